/** A paragraph of an explanation, `Name: sentences.`, cut into what is shown differently. */

export interface Piece {
  kind: "text" | "address" | "number";
  text: string;
}

const SPECIAL = /(0x[0-9a-fA-F]{40})|([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{4,})(?![0-9.])/g;

export function parseParagraph(paragraph: string): { name: string; pieces: Piece[] } {
  const colon = paragraph.indexOf(": ");
  const name = colon === -1 ? "" : paragraph.slice(0, colon);
  const rest = colon === -1 ? paragraph : paragraph.slice(colon + 2);
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of rest.matchAll(SPECIAL)) {
    if (match.index > end) pieces.push({ kind: "text", text: rest.slice(end, match.index) });
    pieces.push({ kind: match[1] === undefined ? "number" : "address", text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < rest.length) pieces.push({ kind: "text", text: rest.slice(end) });
  return { name, pieces };
}
