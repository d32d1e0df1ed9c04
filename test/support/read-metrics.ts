/** What Prometheus would read: the value of each sample, by name and labels as they stand there. */
export function readMetrics(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, sample, value] = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    if (sample === undefined || !/^(nan|[+-]inf|[-+\d.e]+)$/i.test(value ?? ''))
      throw new Error(`this is no sample: ${line}`)
    if (samples.has(sample)) throw new Error(`this sample stands there twice: ${line}`)
    samples.set(sample, Number(value))
  }
  return samples
}

/** The samples of one metric, by their labels. */
export function samplesOf(text: string, name: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...readMetrics(text)].flatMap(([sample, value]) =>
      sample === name || sample.startsWith(`${name}{`) ? [[sample.slice(name.length), value]] : [],
    ),
  )
}
