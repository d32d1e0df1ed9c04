/** RFC 3339 without a fraction, as Kuberpult writes it. */
export function toSeconds(moment: Date): string {
  return moment.toISOString().replace(/\.\d+/u, '')
}
