/** Equal lists have equal pieces; a piece for each item would cost more than its reading. */
const itemsInPiece = 100

/**
 * The text in pieces that can be read one by one: its documents, and of a document that is a list, some of its items. What is large is
 * mostly that, and reading a piece takes about a hundred times the memory of its text.
 */
export function splitYaml(text: string): readonly string[] {
  // A directive stands before the line that begins its document.
  if (/^%/mu.test(text)) return [text]
  return text.split(/(?<=\n)(?=---[ \t\r\n])/u).flatMap(splitList)
}

function splitList(document: string): readonly string[] {
  const [start = ''] = /^---[ \t]*\r?\n/u.exec(document) ?? []
  // An alias means an anchor in another item.
  if (document.includes('*') || !isList(document.slice(start.length))) return [document]
  // What stands before the first item belongs to it: it must not shift the others.
  const items = document.split(/(?<=\n)(?=-[ \r\n])/u)
  if (!/^-[ \r\n]/u.test(document)) items.splice(0, 2, items.slice(0, 2).join(''))
  const pieces: string[] = []
  for (let index = 0; index < items.length; index += itemsInPiece) {
    pieces.push(items.slice(index, index + itemsInPiece).join(''))
  }
  return pieces
}

/** Whether each line that is not indented begins an item, is empty, or a comment; and the first with content begins one. */
function isList(text: string): boolean {
  return /^(?:(?:#.*| *)\r?\n)*-/u.test(text) && !/^(?!- |-?\r?$|#| )/mu.test(text)
}
