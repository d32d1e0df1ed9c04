import { environmentsByName } from './core/environment-group.ts'
import type { Snapshot } from './core/snapshot.ts'

/** What a person who started the server can do next, as lines to copy. */
export function toGreeting(
  url: string,
  repository: string,
  snapshot: Snapshot,
  asksFor?: { readonly issuer: string; readonly canLogIn: boolean },
): string {
  const target = exampleTarget(snapshot)
  const lines = [`Signalbox serves ${repository}`, '', `  Swagger UI   ${url}/docs`]
  if (target === undefined) {
    lines.push('', 'The repository has no environment with an upstream yet, so there is nothing a train could do.')
  } else {
    const header = asksFor === undefined ? '' : '-H "Authorization: Bearer $SIGNALBOX_TOKEN" '
    const train = `${url}/api/environments/${toPathSegment(target)}/releasetrain`
    lines.push(
      ...(asksFor === undefined ? [] : toSignIn(url, asksFor)),
      `  Prognosis    curl ${header}-H Accept:text/plain ${train}/prognosis`,
      `  Train        curl -X PUT ${header}-H Accept:text/plain ${train}`,
      `  The client   npx signalbox --url ${url} status`,
    )
  }
  return `\n${lines.join('\n')}\n`
}

function toSignIn(url: string, { issuer, canLogIn }: { readonly issuer: string; readonly canLogIn: boolean }) {
  const token = `  A token      in SIGNALBOX_TOKEN, of ${issuer}`
  return canLogIn ? [`  Sign in      npx signalbox --url ${url} login`, token] : [token]
}

/** An environment that takes its versions from another one is what trains are about; else one that takes the latest. */
function exampleTarget(snapshot: Snapshot): string | undefined {
  const withUpstream = environmentsByName(snapshot).filter(
    (environment) => environment.config.ok && environment.config.value.upstream,
  )
  const example =
    withUpstream.find(
      ({ config }) => config.ok && config.value.upstream?.environment && !config.value.environmentGroup,
    ) ?? withUpstream[0]
  return example?.name
}

/** A name as a part of a URL that a shell takes as it is, too: names come from the repository. */
function toPathSegment(name: string): string {
  return encodeURIComponent(name).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
}
