/** A page that is no way further: what somebody would look at in the end. */
export interface LastPage {
  readonly url: string
  readonly status: number
  readonly text: string
}

const mostPages = 20

/**
 * Does in a browser without scripts what somebody would do to sign in: follows redirects, keeps cookies, fills in the first form of
 * each page with these values, and sends it. Ends at a page without a form, or before an address that begins with `stopAt`.
 */
export async function walkThrough(
  start: string,
  { fields, stopAt }: { readonly fields: Readonly<Record<string, string>>; readonly stopAt?: string },
): Promise<LastPage> {
  const cookies = new Map<string, string>()
  let request: { readonly url: string; readonly body?: URLSearchParams } = { url: start }
  for (let page = 0; page < mostPages; page += 1) {
    const { url, body } = request
    if (stopAt !== undefined && url.startsWith(stopAt)) return { url, status: 0, text: '' }
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body !== undefined && { method: 'POST', body }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/u.exec(cookie) ?? []
      cookies.set(name, value)
    }
    const text = await response.text()
    const location = response.headers.get('location')
    const form = location === null ? findForm(text) : undefined
    if (location !== null) request = { url: new URL(location, url).href }
    else if (form === undefined) return { url, status: response.status, text }
    else request = submit(form, url, fields)
  }
  throw new Error(`there are more than ${mostPages} pages after ${start}`)
}

interface Form {
  readonly action: string
  readonly isPost: boolean
  readonly inputs: readonly { readonly name: string; readonly value: string }[]
}

function findForm(page: string): Form | undefined {
  const [, head = '', content = ''] = /<form([^>]*)>(.*?)<\/form>/su.exec(page) ?? []
  if (head === '' && content === '') return undefined
  const inputs = [...content.matchAll(/<input([^>]*)>/gsu)].map(([, attributes = '']) => ({
    name: attributeOf(attributes, 'name'),
    value: attributeOf(attributes, 'value'),
  }))
  return { action: attributeOf(head, 'action'), isPost: /post/iu.test(attributeOf(head, 'method')), inputs }
}

function attributeOf(attributes: string, name: string): string {
  const [, value = ''] = new RegExp(`(?:^|\\s)${name}="([^"]*)"`, 'u').exec(attributes) ?? []
  return value.replaceAll('&amp;', '&').replaceAll('&#43;', '+')
}

function submit({ action, isPost, inputs }: Form, page: string, fields: Readonly<Record<string, string>>) {
  const url = new URL(action === '' ? page : action, page)
  const values = new URLSearchParams()
  for (const { name, value } of inputs) if (name !== '') values.set(name, fields[name] ?? value)
  if (isPost) return { url: url.href, body: values }
  url.search = values.toString()
  return { url: url.href }
}
