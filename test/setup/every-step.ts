/** A step takes about a second: a run of the tests takes every other one, today the odd, tomorrow the even ones. All: `POUCH_SDK_EVERY_STEP=1`. */
const all = process.env['POUCH_SDK_EVERY_STEP'] === '1'

/** Between two steps that are tried. */
export const stride: number = all ? 1 : 2
/** Counted from 1. */
export const firstStep: number = all ? 1 : 1 + (Math.floor(Date.now() / 86_400_000) % 2)
/** For titles. */
export const whichSteps: string = all ? 'each step' : 'every other step'
