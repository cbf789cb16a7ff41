/** The list of what was seen last, which is no view of the org. */
export const RECENT = "recent";

/** The view that an address asks for; Lightning calls what was seen last `Recent` or `__Recent`. */
export const viewOf = (filter: string): string => (/^(__)?recent$/i.test(filter) ? RECENT : filter);
