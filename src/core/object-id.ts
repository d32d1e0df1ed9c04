/** A git object id: 40 lower-case hex digits. */
export type ObjectId = string
