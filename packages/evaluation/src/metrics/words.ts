// Words of English text by the conventions of the Penn Treebank: what n-gram statistics count.

/** Shortened words whose full stop ends no sentence; initials and letters with full stops between them are none either. */
const abbreviations = new Set(
  'mr mrs ms dr prof st sr jr gen col lt sgt capt rev hon gov sen rep inc ltd co corp vs no vol fig approx'.split(' '),
);

const sentenceEnd = /([^\s.!?]*)([.!?]+)(["'”’)\]]*)(\s+)(?=["'“‘(]?[\p{Lu}\p{N}])/gu;

/** Sentences of a text. Where sentences end is a rule here; the toolkit that ROME's code uses has learned it. */
function sentences(text: string): string[] {
  const found: string[] = [];
  let from = 0;
  for (const match of text.matchAll(sentenceEnd)) {
    const [whole, word, marks, , gap] = match;
    const initials = /^\p{L}(?:\.\p{L})*$/u.test(word!.replace(/^["'“‘(]+/, ''));
    if (marks === '.' && (initials || abbreviations.has(word!.toLowerCase()))) continue;
    const end = match.index + whole.length - gap!.length;
    found.push(text.slice(from, end));
    from = end + gap!.length;
  }
  found.push(text.slice(from));
  return found.filter((sentence) => sentence.trim() !== '');
}

const symbols = String.raw`;@#$%&?!*()\[\]{}<>"«»“”‘’„‒-―`;
/** Dots in a row, two dashes, quotes, symbols, commas and colons that no digit follows, and what is between all these. */
const pieces = new RegExp(
  String.raw`\.{2,}|--|''|[${symbols}]|[,:](?!\d)|(?:(?!\.{2,}|--|'')(?:[^\s${symbols},:]|[,:](?=\d)))+`,
  'gu',
);
/** What is split off the end of a word, at most one of each list in this order: "I'd've" is two words. */
const endings = [/^(.*[^'])('[smd]|')$/iu, /^(.*[^'])('ll|'re|'ve|n't)$/iu];
const halves: Readonly<Record<string, number>> = { cannot: 3, gonna: 3, gotta: 3, gimme: 3, lemme: 3, wanna: 3 };

/**
 * The words of a text, marks and clitics being words of their own ("don't." is `do`, `n't`, `.`), as Penn Treebank splits
 * them; opening and closing double quotes are told apart.
 */
export function words(text: string): string[] {
  return sentences(text).flatMap((sentence) => {
    const closing = /(?<=[^.])\.(?=[\]})>"'»”’\s]*$)/u.exec(sentence);
    const found: string[] = [];
    for (const { 0: piece, index } of sentence.matchAll(pieces)) {
      if (piece === '"') found.push(/(^|[ ([{<])$/u.test(sentence.slice(0, index)) ? '``' : "''");
      else if (closing !== null && index <= closing.index && closing.index < index + piece.length) {
        const at = closing.index - index;
        found.push(...clitics(piece.slice(0, at)), '.', ...clitics(piece.slice(at + 1)));
      } else found.push(...clitics(piece));
    }
    return found;
  });
}

function clitics(piece: string): string[] {
  if (piece === '') return [];
  const half = halves[piece.toLowerCase()];
  if (half !== undefined) return [piece.slice(0, half), piece.slice(half)];
  // An apostrophe that opens a word is a quote of its own, unless what it opens is a clitic without its word.
  if (/^'\p{L}/u.test(piece) && !/^'(?:re|ve|ll|m|t|s|d|n)$/iu.test(piece)) return ["'", ...clitics(piece.slice(1))];
  const found: string[] = [];
  let rest = piece;
  for (const ending of endings) {
    const split = ending.exec(rest);
    if (split === null) continue;
    found.unshift(split[2]!);
    rest = split[1]!;
  }
  return [rest, ...found];
}
