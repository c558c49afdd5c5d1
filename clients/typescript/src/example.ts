import { type CalendarSync, type Slot, calendarSync } from "./client";

/** Register; the key is shown this once. */
export async function register(baseUrl: string, email: string): Promise<CalendarSync> {
  const { data, error } = await calendarSync(baseUrl).POST("/auth/users", { body: { email } });
  if (error !== undefined) throw new Error(`${error.title}: ${error.detail}`);
  return calendarSync(baseUrl, data.api_key);
}

/** Every slot of a time, page by page. */
export async function* slotsBetween(api: CalendarSync, from: string, to: string): AsyncGenerator<Slot> {
  let cursor: string | null = null;
  do {
    const query: { from: string; to: string; expand: boolean; cursor?: string } = { from, to, expand: true };
    if (cursor !== null) query.cursor = cursor;
    const { data, error } = await api.GET("/slots", { params: { query } });
    if (error !== undefined) throw new Error(error.detail);
    yield* data.items;
    cursor = data.next_cursor;
  } while (cursor !== null);
}

/** Rename a slot unless somebody else changed it meanwhile: then take what it is now. */
export async function rename(api: CalendarSync, slot: Slot, title: string): Promise<Slot> {
  const path = { slot_id: slot.id };
  const { data, response } = await api.PATCH("/slots/{slot_id}", {
    params: { path, header: { "if-match": `"${slot.version}"` } },
    body: { title },
  });
  if (data !== undefined) return data;
  if (response.status !== 412) throw new Error(`not renamed: ${response.status}`);
  const current = await api.GET("/slots/{slot_id}", { params: { path } });
  if (current.data === undefined) throw new Error("the slot is gone");
  return current.data;
}

/** One hour, waiting until Google has it. */
export async function book(api: CalendarSync, title: string, start: string, end: string): Promise<Slot> {
  const { data, error } = await api.POST("/slots", {
    params: { header: { prefer: "wait=5" } },
    body: { title, start, end },
  });
  if (error !== undefined) throw new Error(error.detail);
  // @ts-expect-error what the document does not have is not there
  void data.colour;
  return data;
}
