/** Web addresses inside of a text. Pure. */

export type Piece = { text: string; url: null } | { text: string; url: string };

/** Only http(s); what usually ends a sentence is not part of the address. */
const ADDRESS = /https?:\/\/[^\s<>"'「」（）、。]+/gi;
const ENDING = /[.,;:!?)\]}]+$/;

/** A text in pieces, addresses apart; joined they are the text again. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const url = match[0].replace(ENDING, "");
    if (!URL.canParse(url)) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index), url: null });
    found.push({ text: url, url });
    at = match.index + url.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), url: null });
  return found;
}
