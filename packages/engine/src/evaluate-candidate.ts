// Evaluates one stored version against another.
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { ErrataError } from '@errata/contracts';
import { defaultPerplexityTokens, type EditWork, evaluateCandidate as evaluate, gateValues } from '@errata/evaluation';
import type { CallContext } from './context.ts';
import type { OpenModel } from './model-store.ts';
import type { ParamsOf, ResultOf } from './protocol.ts';

export async function evaluateCandidate(
  open: OpenModel,
  params: ParamsOf<'evaluateCandidate'>,
  context: CallContext,
): Promise<ResultOf<'evaluateCandidate'>> {
  const { parent, candidate, edits } = params;
  const corpus = params.corpus ?? (await open.corpus());
  const { perEdit, summary } = await evaluate(
    {
      parent: await open.view(parent),
      candidate: await open.view(candidate),
      tokenizer: open.tokenizer(),
      edits,
      work: workOf(params),
      cache: open.answers(parent),
      ...(corpus !== undefined && { heldText: await readTail(corpus) }),
      ...(params.edit_seconds !== undefined && { editSeconds: params.edit_seconds }),
    },
    context,
  );
  return { results: perEdit, summary, gate_values: gateValues(summary) };
}

function workOf({ edits, diagnostics, failures = [] }: ParamsOf<'evaluateCandidate'>): readonly EditWork[] {
  const errors = new Map(failures.map(({ position, error }) => [position, error]));
  return edits.map((_, position) => {
    const error = errors.get(position);
    return { diagnostics: diagnostics?.[position] ?? {}, ...(error !== undefined && { error }) };
  });
}

/** Bytes that hold the tokens of a perplexity, of any script. */
const tailBytes = 64 * defaultPerplexityTokens;

/**
 * The end of a text file, from the beginning of a line.
 * @throws ErrataError `corpus_missing`
 */
export async function readTail(path: string, bytes = tailBytes): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await openFile(path, 'r');
    const { size } = await file.stat();
    const length = Math.min(bytes, size);
    const tail = Buffer.alloc(length);
    await file.read(tail, 0, length, size - length);
    const text = tail.toString('utf8');
    return length === size ? text : text.slice(text.indexOf('\n') + 1);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ErrataError('corpus_missing', `the text ${path} cannot be read: ${reason}`, { details: { path }, cause });
  } finally {
    await file?.close();
  }
}
