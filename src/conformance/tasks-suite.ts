// What every TaskService promises. The subject brings a root with a busybox in it, and runs commands of it.
import { type Implementation, type TestApi, defineSuite } from './suite.js'
import { controlCases } from './tasks/control-cases.js'
import { execCases } from './tasks/exec-cases.js'
import { ioCases } from './tasks/io-cases.js'
import { lifeCases } from './tasks/life-cases.js'
import type { TaskFeature, TasksSubject } from './tasks/subject.js'

export function tasksSuite(implementation: Implementation<TasksSubject, TaskFeature>, api: TestApi): void {
  defineSuite('TaskService', [...lifeCases, ...ioCases, ...execCases, ...controlCases], implementation, api)
}
