import { z } from 'zod'

/** An application in an environment, as paths name it. */
export const placeParams = z.strictObject({
  environment: z.string().describe("The environment's name."),
  application: z.string().describe("The application's name."),
})

export const applicationParams = z.strictObject({ application: z.string().describe("The application's name.") })
