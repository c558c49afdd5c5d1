import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Slot = Schemas["SlotOut"];
export type Problem = Schemas["ProblemOut"];
export type CalendarSync = Client<paths>;

/** A client with an API key, for programs; a browser that is signed in leaves the key out. */
export function calendarSync(baseUrl: string, apiKey?: string): CalendarSync {
  const headers = apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
  return createClient<paths>({ baseUrl, headers, credentials: apiKey === undefined ? "include" : "omit" });
}
