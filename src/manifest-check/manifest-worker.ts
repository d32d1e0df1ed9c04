import { parentPort } from 'node:worker_threads'
import { blobId, findManifestProblem, toText } from './check-manifest.ts'
import { isSameManifest } from './is-same-manifest.ts'
import { diffManifests } from './manifest-diff.ts'
import type { Task, TaskResult } from './task.ts'

/** The thread in which manifests are looked into: one task, one answer. */
parentPort?.on('message', (task: Task) => parentPort?.postMessage(perform(task), []))

function perform(task: Task): TaskResult[Task['kind']] {
  switch (task.kind) {
    case 'check': {
      const id = blobId(task.bytes)
      return { id, problem: id === task.existing ? undefined : findManifestProblem(task.bytes) }
    }
    case 'is-same':
      return isSameManifest(task.existing, task.submitted)
    case 'diff':
      return diffManifests(toText(task.existing), toText(task.submitted), task.names)
  }
}
