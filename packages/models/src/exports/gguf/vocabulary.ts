// The vocabulary of a model as a GGUF file has it: the other way round of `sources/gguf/tokenizer.ts`.

import { join } from 'node:path';
import { canonicalJson } from '@errata/contracts';
import type { Checkpoint } from '../../files/checkpoint.ts';
import { endIds } from '../../files/end-ids.ts';
import { mergesByScore } from '../../sources/gguf/merges-by-score.ts';
import { splittings, withSpaceInFront } from '../../sources/gguf/splitting.ts';
import { tokenTypes } from '../../sources/gguf/tokenizer.ts';
import { chatTemplateText } from '../../text/load-chat-template.ts';
import { documentFromFiles } from '../../text/load-tokenizer.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { TokenizerDocument } from '../../text/tokenizer-document.ts';
import { refuseExport } from '../form.ts';
import { bool, f32s, i32s, type TypedMetadata, text, texts, u32 } from './values.ts';

const refuse = (what: string): never =>
  refuseExport(
    'the tokenizer',
    what,
    'Export the version as a checkpoint, and convert it with a tool that knows this tokenizer',
  );

/** What is written, and what a reader should know. */
export interface Vocabulary {
  readonly metadata: TypedMetadata;
  readonly remarks: readonly string[];
}

/**
 * @param rows rows of the embedding: those without a token get one that no text has
 * @throws ModelError export_unsupported
 */
export function vocabularyOf(checkpoint: Checkpoint, rows: number): Vocabulary {
  const { tokenizer, companionFiles, readCompanion, directory } = checkpoint;
  if (tokenizer === undefined) return { metadata: { 'tokenizer.ggml.model': text('no_vocab') }, remarks: [] };
  const read = (name: string): string | undefined =>
    name === 'config.json'
      ? JSON.stringify(checkpoint.config)
      : companionFiles.includes(name)
        ? Buffer.from(readCompanion(name)).toString('utf8')
        : undefined;
  const { document } = documentFromFiles(read, join(directory));
  const { model, added_tokens } = document;
  if ((model.type ?? 'BPE') !== 'BPE' || Array.isArray(model.vocab))
    return refuse(`its model is ${model.type}; BPE is written`);
  const { tokens, types } = tokensOf(tokenizer, document, rows);
  const kind = model.byte_fallback ? sentencePiece(document, tokens, types) : byteLevel(document);
  const flagged = added_tokens.filter(({ lstrip, rstrip, single_word }) => lstrip || rstrip || single_word);
  return {
    metadata: {
      ...kind.metadata,
      'tokenizer.ggml.tokens': texts(tokens),
      'tokenizer.ggml.token_type': i32s(types),
      ...specials(tokenizer, checkpoint),
      ...templates(checkpoint),
    },
    remarks: [
      ...kind.remarks,
      ...(flagged.length === 0
        ? []
        : [
            `${flagged.map(({ content }) => content).join(', ')} take the white space beside them here, and in a GGUF file no token does`,
          ]),
    ],
  };
}

/** The tokens of all rows with their types. */
function tokensOf(tokenizer: Tokenizer, { added_tokens, model }: TokenizerDocument, rows: number) {
  if (tokenizer.vocabSize > rows) refuse(`it has ${tokenizer.vocabSize} tokens, and the embedding ${rows} rows`);
  const added = new Map(added_tokens.map(({ id, special }) => [id, special === true]));
  const tokens: string[] = [];
  const types: number[] = [];
  for (let id = 0; id < rows; id++) {
    const token = tokenizer.idToToken(id);
    tokens.push(token ?? `[PAD${id}]`);
    const special = added.get(id);
    types.push(
      token === undefined
        ? tokenTypes.unused
        : model.byte_fallback && /^<0x[0-9A-F]{2}>$/.test(token)
          ? tokenTypes.byte
          : model.byte_fallback && id === tokenizer.unknownId
            ? tokenTypes.unknown
            : special === undefined
              ? tokenTypes.normal
              : special
                ? tokenTypes.control
                : tokenTypes.userDefined,
    );
  }
  if (new Set(tokens).size < rows) refuse('two of its tokens are spelled alike');
  return { tokens, types };
}

/** Merges as pairs, whichever way a document writes them. */
function mergesOf({ model }: TokenizerDocument): readonly (readonly [string, string])[] {
  return (model.merges as readonly (string | readonly [string, string])[]).map((merge) => {
    if (typeof merge !== 'string') return merge;
    const space = merge.indexOf(' ', 1);
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
}

/** Parts of a tokenizer.json without what changes no ids. */
function essential(part: unknown): unknown {
  if (part === null || typeof part !== 'object') return part ?? null;
  const { trim_offsets: _, pretokenizers, ...rest } = part as Record<string, unknown>;
  if (!Array.isArray(pretokenizers)) return rest;
  return pretokenizers.length === 1
    ? essential(pretokenizers[0])
    : { ...rest, pretokenizers: pretokenizers.map(essential) };
}

const alike = (one: unknown, other: unknown) => canonicalJson(essential(one)) === canonicalJson(essential(other));

/** Byte-level BPE by the name of how texts are split. */
function byteLevel(document: TokenizerDocument): Vocabulary {
  const { normalizer, pre_tokenizer, model } = document;
  for (const [name, { normalizer: known = null, preTokenizer, ignoreMerges = false }] of Object.entries(splittings)) {
    const inFront = alike(pre_tokenizer, withSpaceInFront(preTokenizer));
    if (!alike(normalizer, known) || ignoreMerges !== (model.ignore_merges ?? false)) continue;
    if (!inFront && !alike(pre_tokenizer, preTokenizer)) continue;
    return {
      metadata: {
        'tokenizer.ggml.model': text('gpt2'),
        'tokenizer.ggml.pre': text(name),
        'tokenizer.ggml.merges': texts(mergesOf(document).map(told)),
        'tokenizer.ggml.add_space_prefix': bool(inFront),
      },
      remarks: inFront
        ? [
            'The tokenizer puts a space in front of every text; llama.cpp puts none in front of byte-level texts: begin prompts with one',
          ]
        : [],
    };
  }
  return refuse(`no name is known here for how it splits texts; known are ${Object.keys(splittings).join(', ')}`);
}

const told = ([left, right]: readonly [string, string]): string => `${left} ${right}`;

/** SentencePiece's BPE: scores from which its merges follow. */
function sentencePiece(document: TokenizerDocument, tokens: readonly string[], types: readonly number[]): Vocabulary {
  const merges = mergesOf(document);
  const ids = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const scores = new Array<number>(tokens.length).fill(0);
  const ranked = new Set<string>();
  for (const [left, right] of merges) {
    const made = left + right;
    if (ranked.has(made)) continue;
    ranked.add(made);
    scores[ids[made]!] = -ranked.size;
  }
  const follow = mergesByScore(tokens, ids, scores, types);
  // Pairs that make one token have one score, and stand in any order.
  const known = new Set(merges.map(told));
  const stray = merges.findIndex(([left, right], i) => follow[i]?.join('') !== left + right);
  if (stray >= 0 || follow.length !== merges.length || !follow.every((pair) => known.has(told(pair))))
    return refuse(
      `its merges are not those that scores of tokens give${stray < 0 ? '' : `, from ${JSON.stringify(merges[stray])} on`}`,
    );
  return {
    metadata: {
      'tokenizer.ggml.model': text('llama'),
      'tokenizer.ggml.scores': f32s(scores),
      'tokenizer.ggml.add_space_prefix': bool(spaceInFront(document)),
    },
    remarks: [],
  };
}

const spaceMark = '\u2581';

/** Whether a space stands in front of every text; the space mark for spaces is all else that may happen to one. @throws ModelError */
function spaceInFront({ normalizer, pre_tokenizer }: TokenizerDocument): boolean {
  type Part = Readonly<Record<string, unknown>> & { readonly type: string };
  const partsOf = (part: unknown, list: string): readonly Part[] => {
    if (part === null || part === undefined) return [];
    const inner = (part as Readonly<Record<string, unknown>>)[list];
    return Array.isArray(inner) ? inner.flatMap((each) => partsOf(each, list)) : [part as Part];
  };
  let inFront = false;
  for (const part of [...partsOf(normalizer, 'normalizers'), ...partsOf(pre_tokenizer, 'pretokenizers')]) {
    const { type } = part;
    if (type === 'Prepend' && part.prepend === spaceMark) inFront = true;
    else if (type === 'Metaspace' && part.replacement === spaceMark && part.split !== true)
      inFront ||= (part.prepend_scheme ?? 'always') !== 'never';
    else if (type === 'Replace' && alike(part, { type, pattern: { String: ' ' }, content: spaceMark })) continue;
    // Behind the replacement no space is left to split at.
    else if (type === 'Split' && canonicalJson(part.pattern) === '{"String":" "}') continue;
    else refuse(`it does ${type} to texts, which a GGUF file cannot say`);
  }
  return inFront;
}

function specials(tokenizer: Tokenizer, checkpoint: Checkpoint): TypedMetadata {
  const { bosId, eosId, prefixIds, suffixIds, namedTokens } = tokenizer;
  const around = (ids: readonly number[], only: number | undefined, which: string): boolean => {
    if (ids.length === 0) return false;
    if (ids.length === 1 && ids[0] === only) return true;
    return refuse(
      `it puts the tokens ${ids.join(', ')} ${which} every text; a GGUF file can say so of one token alone`,
    );
  };
  const idOf = (part: string) => {
    const token = namedTokens.get(part);
    return token === undefined ? undefined : tokenizer.tokenToId(token);
  };
  const [bos, first] = [bosId ?? numberOf(checkpoint.config.bos_token_id), prefixIds[0]];
  const ends = endIds(checkpoint);
  const eos = eosId ?? ends[0];
  const turn = ends.find((id) => id !== eos);
  const optional = (key: string, id: number | undefined) =>
    id === undefined ? {} : { [`tokenizer.ggml.${key}`]: u32(id) };
  return {
    ...optional('bos_token_id', bos ?? first),
    ...optional('eos_token_id', eos),
    ...optional('eot_token_id', turn),
    ...optional('unknown_token_id', tokenizer.unknownId),
    ...optional('padding_token_id', idOf('pad_token')),
    'tokenizer.ggml.add_bos_token': bool(around(prefixIds, bos ?? first, 'before')),
    'tokenizer.ggml.add_eos_token': bool(around(suffixIds, eos, 'behind')),
  };
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** The template, or of several the one that is used where none is named, and the others by name. */
function templates(checkpoint: Checkpoint): TypedMetadata {
  const template = chatTemplateText(checkpoint);
  if (template === undefined) return {};
  const named = typeof template === 'string' ? new Map([['default', template]]) : template;
  const others = [...named.keys()].filter((name) => name !== 'default');
  return {
    ...(named.has('default') && { 'tokenizer.chat_template': text(named.get('default')!) }),
    ...(others.length > 0 && { 'tokenizer.chat_templates': texts(others) }),
    ...Object.fromEntries(others.map((name) => [`tokenizer.chat_template.${name}`, text(named.get(name)!)])),
  };
}
