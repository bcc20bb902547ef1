// Prompt and target boundary and subject positions, on tokenizers that keep the space before, after, and with a BOS.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelError, type ModelErrorCode } from '../errors.ts';
import { loadTokenizer, tokenizerFromJson, tokenizerFromVocabAndMerges } from './load-tokenizer.ts';
import {
  encodeContinuation,
  encodePrompt,
  layOut,
  longestTokenBytes,
  prefixed,
  spaceConvention,
  subjectLast,
  type TextLayout,
  unspellable,
} from './text-layout.ts';
import { tokenOffsets } from './token-offsets.ts';
import type { Tokenizer } from './tokenizer.ts';

const fixtures = fileURLToPath(new URL('../fixtures/tokenizers/', import.meta.url));
const sharedModels = fileURLToPath(new URL('../../../../../shared/data/models/', import.meta.url));

const fixtureTokenizer = (name: string): Tokenizer =>
  tokenizerFromJson(JSON.parse(readFileSync(join(fixtures, `${name}.json`), 'utf8')));
const byteLevel = fixtureTokenizer('byte-level');
const llama = fixtureTokenizer('llama');
const spaceAfter = fixtureTokenizer('space-after');
const all: readonly (readonly [string, Tokenizer])[] = [
  ['byte-level', byteLevel],
  ['llama', llama],
  ['space-after', spaceAfter],
];

function codeOf(action: () => unknown): ModelErrorCode {
  try {
    action();
  } catch (error) {
    if (error instanceof ModelError) return error.code;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The text that ids stand for, without prefix ids and the space mark that a tokenizer may insert at the start. */
function spelled(tokenizer: Tokenizer, ids: readonly number[]): string {
  const inserts = tokenizer.decodeContinuation(tokenizer.encode('a')) !== 'a';
  return tokenizer.decodeContinuation(ids).slice(inserts ? 1 : 0);
}

/** Whether the token at a position of encodePrompt(prompt) holds the character before `end`. Offsets have tests of their own. */
function holdsEnd(tokenizer: Tokenizer, prompt: string, position: number, end: number): boolean {
  const text = spaceConvention(tokenizer) === 'after' ? `${prompt} ` : prompt;
  const { spans, byteAt } = tokenOffsets(tokenizer, text, tokenizer.encode(text));
  const span = spans[position - tokenizer.prefixIds.length]!;
  return span.start < byteAt(end) && byteAt(end) <= span.end;
}

test('what cannot fit is refused by its bytes, untokenised; what fits never is', () => {
  const context = 12;
  for (const tokenizer of [byteLevel, llama]) {
    const untouched: Tokenizer = {
      ...tokenizer,
      encode: () => {
        throw new Error('it was tokenised');
      },
    };
    const room = context * longestTokenBytes(tokenizer);
    expect(codeOf(() => encodePrompt(untouched, 'x'.repeat(room + 1), { context }))).toBe('sequence_too_long');
    expect(codeOf(() => encodePrompt(untouched, '\u00e9'.repeat(Math.ceil((room + 1) / 2)), { context }))).toBe(
      'sequence_too_long',
    );
    expect(() => encodePrompt(untouched, 'x'.repeat(room), { context })).toThrow('it was tokenised');
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((each) => each.trim() !== '');
    fc.assert(
      fc.property(text, (given) => {
        const { length } = tokenizer.encode(given.replace(/ +$/, ''));
        expect(() => encodePrompt(tokenizer, given, { context: length })).not.toThrow();
      }),
    );
  }
});

test('a long run of spaces is nothing to look at twice', () => {
  // With an expression that ends in $ this takes as long as the square of its length: minutes.
  const prompt = `${' '.repeat(400_000)}x`;
  expect(codeOf(() => encodePrompt(byteLevel, prompt, { context: 100 }))).toBe('sequence_too_long');
});

/** What must hold of every layout. */
function holds(tokenizer: Tokenizer, prompt: string, layout: TextLayout): void {
  const { promptIds, targetIds, text, joint } = layout;
  expect(promptIds).toEqual(encodePrompt(tokenizer, prompt));
  expect(targetIds.length).toBeGreaterThan(0);
  const together = [...tokenizer.prefixIds, ...tokenizer.encode(text)];
  expect([...promptIds, ...targetIds].join() === together.join()).toBe(joint);
}

describe('the space convention', () => {
  test('is before for byte-level and llama, after where tokens end in the space', () => {
    expect(all.map(([, tokenizer]) => spaceConvention(tokenizer))).toEqual(['before', 'before', 'after']);
  });
  test('is before for a vocabulary of single characters', () => {
    const vocab = Object.fromEntries([...'abcdefghij klm'].map((character, id) => [character, id]));
    const characters = tokenizerFromJson({ model: { type: 'BPE', vocab, merges: [] } });
    expect(spaceConvention(characters)).toBe('before');
    const layout = layOut(characters, 'abc', 'dig');
    expect(layout.promptIds).toEqual(characters.encode('abc'));
    expect(layout.targetIds).toEqual(characters.encode(' dig'));
  });
});

describe.each(all)('%s', (_, tokenizer) => {
  test('puts no space where writing has none, and whatever the caller says', () => {
    const written = (prompt: string, target: string, join?: 'space' | 'none') => {
      const layout = layOut(tokenizer, prompt, target, { join });
      const { promptIds, targetIds, text } = layout;
      expect(promptIds).toEqual(encodePrompt(tokenizer, prompt, { join }));
      if (unspellable(tokenizer, text).length === 0)
        expect(spelled(tokenizer, [...promptIds.slice(tokenizer.prefixIds.length), ...targetIds])).toBe(text);
      return text;
    };
    expect(written('The capital of France (', 'Rome')).toBe('The capital of France (Rome');
    expect(written('capital-of-France=', ' Rome')).toBe('capital-of-France=Rome');
    expect(written('He said: "The capital is "', 'Rome')).toBe('He said: "The capital is "Rome');
    expect(written('The capital of France', 'Rome', 'none')).toBe('The capital of FranceRome');
    expect(written('The capital of France  ', '  Rome', 'none')).toBe('The capital of FranceRome');
    expect(written('The capital of France (', 'Rome', 'space')).toBe('The capital of France ( Rome');
    expect(written('The capital:\n', 'Rome', 'space')).toBe('The capital:\n Rome');
  });

  test('joins what ends as English does by one space, as ever', () => {
    const endings = fc.constantFrom('a', 'Z', '7', '.', ',', ':', ';', '?', '!', ')', ']', '%', '”', '…');
    const words = fc.stringMatching(/^[A-Za-z0-9 ,.]{0,20}$/);
    fc.assert(
      fc.property(words, endings, fc.constantFrom('', ' ', '  '), (start, end, spaces) => {
        const prompt = `${start}${end}`;
        const joined = layOut(tokenizer, `${prompt}${spaces}`, 'Rome');
        expect(joined.text).toBe(`${prompt} Rome`);
        expect(joined).toEqual(layOut(tokenizer, prompt, 'Rome', { join: 'space' }));
      }),
    );
  });

  test('spaces at the seam do not matter, however they were written', () => {
    const plain = layOut(tokenizer, 'The capital of France is', 'Paris');
    for (const prompt of ['The capital of France is', 'The capital of France is ', 'The capital of France is   ']) {
      for (const target of ['Paris', ' Paris', '   Paris', 'Paris ']) {
        expect(layOut(tokenizer, prompt, target)).toEqual(plain);
      }
    }
    expect(plain.text).toBe('The capital of France is Paris');
    expect(plain.joint).toBe(true);
    holds(tokenizer, 'The capital of France is', plain);
  });

  test('the space lies on the side where the vocabulary keeps it', () => {
    const { promptIds, targetIds } = layOut(tokenizer, 'The capital of France is', 'Paris');
    const after = spaceConvention(tokenizer) === 'after';
    expect(spelled(tokenizer, promptIds)).toBe(after ? 'The capital of France is ' : 'The capital of France is');
    expect(tokenizer.decodeContinuation(targetIds)).toBe(after ? 'Paris' : ' Paris');
  });

  test('a prompt that ends in a line break gets no space', () => {
    const layout = layOut(tokenizer, 'Q: the capital of Italy?\nA:\n', 'Rome');
    expect(layout.text).toBe('Q: the capital of Italy?\nA:\nRome');
    holds(tokenizer, 'Q: the capital of Italy?\nA:\n', layout);
  });

  test('line breaks and tabs of a target are kept, and take the place of the space', () => {
    if (unspellable(tokenizer, '\n\t').length > 0) {
      expect(() => layOut(tokenizer, 'Q: the capital of Italy?', '\n\tRome')).toThrow('no tokens for "\\n", "\\t"');
      return;
    }
    const layout = layOut(tokenizer, 'Q: the capital of Italy?', ' \n\tRome\n ');
    expect(layout.text).toBe('Q: the capital of Italy?\n\tRome\n');
    expect(tokenizer.decodeContinuation(layout.targetIds)).toBe('\n\tRome\n');
    holds(tokenizer, 'Q: the capital of Italy?', layout);
  });

  test.each([
    ['The author of Hamlet is', '"Shakespeare"'],
    ['She said, "', 'no"'],
    ['The language is', 'C++'],
    ['It was written in', '.NET'],
    ['The price is', '$5.00, or 3 %'],
    ['The place is called', 'Zürich'],
    ['東京は', '日本の首都'],
    ['The answer is', '😀🚀'],
    ['Москва — столица', 'России'],
    ['In 1898,', '1 000'],
    ['x', 'y'],
  ])('lays out %j and %j, or names what it cannot spell', (prompt, target) => {
    const unknown = unspellable(tokenizer, target);
    if (unknown.length > 0) {
      expect(codeOf(() => layOut(tokenizer, prompt, target))).toBe('layout_target_unspellable');
      expect([...target]).toEqual(expect.arrayContaining([...unknown]));
      return;
    }
    const layout = layOut(tokenizer, prompt, target);
    expect(layout.text).toBe(prompt + (/["は]$/.test(prompt) ? '' : ' ') + target);
    holds(tokenizer, prompt, layout);
  });

  test('prompts and targets without text are refused', () => {
    for (const empty of ['', ' ', ' \n\t ']) {
      expect(codeOf(() => layOut(tokenizer, empty, 'Paris'))).toBe('layout_prompt_empty');
      expect(codeOf(() => encodePrompt(tokenizer, empty))).toBe('layout_prompt_empty');
      expect(codeOf(() => layOut(tokenizer, 'Paris', empty))).toBe('layout_target_empty');
      expect(codeOf(() => subjectLast(tokenizer, 'Paris', empty))).toBe('layout_subject_empty');
    }
  });

  test('for any prompt and target, the prompt is the one that generation reads and the target is what follows', () => {
    // A space mark in the text itself comes back as a space from tokenizers that use it as one.
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((part) => part.trim() !== '' && !part.includes('\u2581'));
    fc.assert(
      fc.property(text, text, (prompt, target) => {
        if (unspellable(tokenizer, target).length > 0) {
          expect(codeOf(() => layOut(tokenizer, prompt, target))).toBe('layout_target_unspellable');
          return;
        }
        const layout = layOut(tokenizer, prompt, target);
        holds(tokenizer, prompt, layout);
        if (!layout.promptIds.includes(tokenizer.unknownId ?? -1)) {
          const rest = layout.text.slice(spelled(tokenizer, layout.promptIds).length);
          expect(tokenizer.decodeContinuation(layout.targetIds)).toBe(rest);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('for any words, the subject’s last token is the first by which the whole subject is spelled', () => {
    const word = fc.stringMatching(/^[a-ilnopr-uéü]{1,8}$/);
    const words = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(words, words, words, (before, subject, after) => {
        const prompt = `${before}, ${subject}, ${after}`;
        fc.pre(prompt.lastIndexOf(subject) === before.length + 2);
        const last = subjectLast(tokenizer, prompt, subject);
        expect(holdsEnd(tokenizer, prompt, last, before.length + 2 + subject.length)).toBe(true);
        const ids = encodePrompt(tokenizer, prompt);
        const bytesTo = (count: number): number =>
          ids.slice(tokenizer.prefixIds.length, count).reduce((sum, id) => sum + tokenizer.tokenBytes(id)!.length, 0);
        const inserted = tokenizer === llama ? 1 : 0;
        const wanted = Buffer.byteLength(`${before}, ${subject}`) + inserted;
        expect(bytesTo(last + 1)).toBeGreaterThanOrEqual(wanted);
        expect(bytesTo(last)).toBeLessThan(wanted);
        expect(layOut(tokenizer, prompt, 'x', { subject }).subjectLast).toBe(last);
      }),
      { numRuns: 300 },
    );
  });
});

describe('BOS', () => {
  test('stands once in front of the prompt and never in the target', () => {
    const { promptIds, targetIds } = layOut(llama, 'The capital of France is', 'Paris');
    expect(promptIds[0]).toBe(1);
    expect([...promptIds.slice(1), ...targetIds]).not.toContain(1);
    expect([...promptIds, ...targetIds]).toEqual(
      llama.encode('The capital of France is Paris', { specialTokens: true }),
    );
  });
  test('counts in positions', () => {
    expect(subjectLast(llama, 'a', 'a')).toBe(llama.encode('a', { specialTokens: true }).length - 1);
  });
  test('an EOS that the tokenizer adds to every text is in neither', () => {
    const { promptIds, targetIds } = layOut(spaceAfter, 'The capital of France is', 'Paris');
    expect([...promptIds, ...targetIds]).not.toContain(2);
  });
});

describe('a tokenizer that merges words with words', () => {
  const base = JSON.parse(readFileSync(join(fixtures, 'byte-level.json'), 'utf8')) as {
    model: { vocab: Record<string, number>; merges: [string, string][] };
    pre_tokenizer: object;
  };
  const [left, right] = ['Ġis', 'ĠParis'];
  const merging = tokenizerFromJson({
    ...base,
    pre_tokenizer: { ...base.pre_tokenizer, use_regex: false },
    model: {
      ...base.model,
      vocab: { ...base.model.vocab, [left + right]: 420 },
      merges: [...base.model.merges, [left, right]],
    },
  });
  test('keeps the prompt as generation reads it, and tokenises the target on its own', () => {
    expect(merging.encode('France is Paris')).toContain(420);
    const layout = layOut(merging, 'France is', 'Paris', { subject: 'is' });
    expect(layout.joint).toBe(false);
    expect(layout.promptIds).toEqual(merging.encode('France is'));
    expect(merging.decodeContinuation(layout.targetIds)).toBe(' Paris');
    expect(layout.subjectLast).toBe(layout.promptIds.length - 1);
    holds(merging, 'France is', layout);
  });
});

test('a space mark in the text itself is laid out like a space', () => {
  const layout = layOut(llama, 'Paris\u2581is', 'in\u2581France', { subject: 'Paris' });
  holds(llama, 'Paris\u2581is', layout);
  expect(llama.decodeContinuation([...layout.promptIds, ...layout.targetIds])).toBe(' Paris is in France');
});

describe('text that goes on from other text', () => {
  test('has no inserted space and no BOS', () => {
    expect(llama.decodeContinuation(encodeContinuation(llama, 'Paris'))).toBe('Paris');
    expect(llama.decodeContinuation(encodeContinuation(llama, ' Paris'))).toBe(' Paris');
    expect(encodeContinuation(byteLevel, ' Paris')).toEqual(byteLevel.encode(' Paris'));
    expect(encodeContinuation(llama, '\nParis')).not.toContain(1);
  });
});

describe('the subject', () => {
  const found = (tokenizer: Tokenizer, prompt: string, subject: string): string =>
    spelled(tokenizer, encodePrompt(tokenizer, prompt).slice(0, subjectLast(tokenizer, prompt, subject) + 1)).trimEnd();

  test.each(all)('%s: stands at the start, in the middle and at the end', (_, tokenizer) => {
    expect(found(tokenizer, 'Paris is in France', 'Paris')).toBe('Paris');
    expect(found(tokenizer, 'The city of Paris is in France', 'Paris')).toBe('The city of Paris');
    expect(found(tokenizer, 'The capital of France', 'France')).toBe('The capital of France');
    expect(found(tokenizer, 'The capital of France ', ' France ')).toBe('The capital of France');
  });
  test.each(all)('%s: with other letters and scripts', (_, tokenizer) => {
    for (const subject of ['Zürich', '東京タワー', 'Київ', '😀🚀', 'C++', '"Hamlet"', 'São Paulo']) {
      if (unspellable(tokenizer, subject).join('') === subject) {
        expect(codeOf(() => subjectLast(tokenizer, subject, subject))).toBe('layout_subject_unspellable');
        continue;
      }
      for (const prompt of [`The home of ${subject}, they say`, `The home of ${subject}`, `${subject} was the home`]) {
        const end = prompt.indexOf(subject) + subject.length;
        expect(holdsEnd(tokenizer, prompt, subjectLast(tokenizer, prompt, subject), end)).toBe(true);
      }
    }
  });
  test('given twice: the last counts', () => {
    expect(found(byteLevel, 'Paris is Paris, of course', 'Paris')).toBe('Paris is Paris');
  });
  test('inside another word does not count where it also stands alone', () => {
    expect(found(byteLevel, 'Al lives in Algeria', 'Al')).toBe('Al');
    expect(found(byteLevel, 'Rome and Romeo and Jerome', 'Rome')).toBe('Rome');
  });
  test('only inside another word is refused, and the word is named', () => {
    const inside = () => subjectLast(byteLevel, 'the capital of Algeria is', 'Al');
    expect(codeOf(inside)).toBe('layout_subject_inside_word');
    expect(inside).toThrow('within another word, "Algeria"');
    for (const [prompt, subject] of [
      ['Romeo', 'Rome'],
      ['the isle of Jerome', 'Rome'.toLowerCase()],
      ['die Hauptstadt Österreichs', 'Österreich'],
      ['step_2 is', 'step'],
    ] as const)
      expect(codeOf(() => subjectLast(byteLevel, prompt, subject))).toBe('layout_subject_inside_word');
  });
  test('needs no border in scripts that have none, and may carry a mark', () => {
    for (const [prompt, subject] of [
      ['東京は', '東京'],
      ['私は東京タワーへ行く', '東京タワー'],
      ['서울은 어디', '서울'],
      ['กรุงเทพเป็นเมือง', 'กรุงเทพ'],
      ["Anna's home is", 'Anna'],
      ['anti-Rome', 'Rome'],
      ['C++17', 'C++'],
    ] as const)
      expect(
        holdsEnd(byteLevel, prompt, subjectLast(byteLevel, prompt, subject), prompt.indexOf(subject) + subject.length),
      ).toBe(true);
  });
  test('not in the prompt is refused; a hint tells capitals and Unicode forms apart from absence', () => {
    const refusal = (prompt: string, subject: string): ModelError => {
      try {
        subjectLast(byteLevel, prompt, subject);
      } catch (error) {
        if (error instanceof ModelError) return error;
      }
      throw new Error('nothing was refused');
    };
    expect(refusal('The capital is Paris', 'Rome').code).toBe('layout_subject_not_in_prompt');
    expect(refusal('The capital is Paris', 'Rome').hint).not.toMatch(/capitals/);
    expect(refusal('The capital is Paris', 'paris').hint).toMatch(/capitals/);
    expect(refusal('Cafe\u0301 in Paris', 'Café').hint).toMatch(/Unicode/);
    expect(codeOf(() => layOut(byteLevel, 'The capital is', 'Paris', { subject: 'Rome' }))).toBe(
      'layout_subject_not_in_prompt',
    );
  });
  test('in the target only is not in the prompt', () => {
    expect(codeOf(() => layOut(byteLevel, 'The capital is', 'Paris', { subject: 'Paris' }))).toBe(
      'layout_subject_not_in_prompt',
    );
  });
  test('beside unknown characters is still found', () => {
    expect(spaceAfter.encode('Москва')).toContain(spaceAfter.unknownId);
    const prompt = 'Москва and Paris are far';
    const ids = encodePrompt(spaceAfter, prompt);
    const last = subjectLast(spaceAfter, prompt, 'Paris');
    expect(spaceAfter.decodeContinuation([ids[last]!]).trim().endsWith('s')).toBe(true);
    expect(spaceAfter.decodeContinuation(ids.slice(last + 1))).toMatch(/^are /);
    expect(codeOf(() => subjectLast(spaceAfter, prompt, 'Москва'))).toBe('layout_subject_unspellable');
  });
});

describe('what the tokenizer cannot spell', () => {
  test('is named, each character once', () => {
    expect(unspellable(spaceAfter, 'Москва, Paris')).toEqual([...new Set('Москва')]);
    expect(unspellable(byteLevel, 'Москва 😀')).toEqual([]);
    const refused = () => layOut(spaceAfter, 'The capital is', 'Москва');
    expect(codeOf(refused)).toBe('layout_target_unspellable');
    expect(refused).toThrow('no tokens for "М", "о", "с", "к", "в", "а"');
  });
  test('may stand in a prompt, and in a part of a subject', () => {
    const layout = layOut(spaceAfter, 'Москва and Paris', 'are far', { subject: 'Paris' });
    expect(layout.promptIds).toContain(spaceAfter.unknownId);
    expect(layout.targetIds).not.toContain(spaceAfter.unknownId);
    expect(subjectLast(spaceAfter, 'so Paris ж is', 'Paris ж')).toBeGreaterThan(0);
  });
  test('are words where whole words are unknown', () => {
    const vocab = { '[UNK]': 0, h: 1, i: 2, hi: 3 };
    const wordLevel = tokenizerFromJson({
      pre_tokenizer: { type: 'WhitespaceSplit' },
      model: {
        type: 'WordPiece',
        vocab,
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
    });
    expect(unspellable(wordLevel, 'hi ih h')).toEqual(['ih']);
  });
});

describe('context prefixes', () => {
  test('stand before the prompt as a sentence of their own', () => {
    expect(prefixed('The weather was', 'Paris is')).toBe('The weather was. Paris is');
    expect(prefixed(' The weather was fine. ', 'Paris is')).toBe('The weather was fine. Paris is');
    expect(prefixed('“Is it so?”', 'Paris is')).toBe('“Is it so?” Paris is');
    expect(prefixed('  ', 'Paris is')).toBe('Paris is');
  });
  test('that name the subject do not move it', () => {
    const prompt = 'The city of Paris is';
    const own = encodePrompt(byteLevel, prompt).length - subjectLast(byteLevel, prompt, 'Paris');
    const behind = prefixed('Paris was large', prompt);
    expect(encodePrompt(byteLevel, behind).length - subjectLast(byteLevel, behind, 'Paris')).toBe(own);
  });
});

const storiesFolder = join(sharedModels, 'tinystories656k');
test.skipIf(!existsSync(storiesFolder))(
  'tinystories656k (skipped where ../shared/data is absent): prompts end in the space, targets begin without',
  () => {
    const stories = loadTokenizer(storiesFolder);
    expect(spaceConvention(stories)).toBe('after');
    const layout = layOut(stories, 'Once upon a time', ' there was', { subject: 'time' });
    holds(stories, 'Once upon a time', layout);
    expect(layout.joint).toBe(true);
    expect(stories.decodeContinuation(layout.promptIds)).toBe(' Once upon a time ');
    expect(stories.decodeContinuation(layout.targetIds)).toBe('there was');
    expect(stories.idToToken(layout.promptIds[layout.subjectLast!]!)).toBe('e▁');
    for (const [prompt, target] of [
      ['Lily went to the', 'park'],
      ['The end.', 'So'],
      ['One day, Tom saw a', 'big dog'],
    ] as const) {
      const split = layOut(stories, prompt, target);
      holds(stories, prompt, split);
      expect(split.joint).toBe(false);
      expect(stories.decodeContinuation([...split.promptIds, ...split.targetIds])).toBe(` ${prompt} ${target}`);
    }
  },
);

const gpt2Folder = join(sharedModels, 'gpt2_tokenizer');
test.skipIf(!existsSync(gpt2Folder))(
  'GPT-2 (skipped where ../shared/data is absent): prompts end without the space, targets begin with it',
  () => {
    const gpt2 = tokenizerFromVocabAndMerges(
      readFileSync(join(gpt2Folder, 'gpt2_vocab.json'), 'utf8'),
      readFileSync(join(gpt2Folder, 'gpt2_merges.txt'), 'utf8'),
    );
    expect(spaceConvention(gpt2)).toBe('before');
    const prompt = 'The mother tongue of Danielle Darrieux is';
    const layout = layOut(gpt2, `${prompt} `, 'English', { subject: 'Danielle Darrieux' });
    holds(gpt2, prompt, layout);
    expect(layout.joint).toBe(true);
    expect(gpt2.decode(layout.targetIds)).toBe(' English');
    expect(gpt2.decode(layout.promptIds.slice(0, layout.subjectLast! + 1))).toBe(
      'The mother tongue of Danielle Darrieux',
    );
    expect(gpt2.idToToken(layout.promptIds[layout.subjectLast!]!)).toBe('ux');
  },
);
