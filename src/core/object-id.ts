/** A git object id: 40 lower-case hex digits. */
export type ObjectId = string

/** The blob of a file without content. */
export const emptyBlobId: ObjectId = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
