// Asks a version one question at a time: what it answers freely, and how probable it finds given answers.
import { exactMatch, firstSentence } from '@errata/evaluation';
import { encodePrompt, layOut, requireRoom } from '@errata/models';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';

/** Tokens of an answer at most. */
const answerTokens = 16;

/**
 * Alone, not in a batch: the answer must not depend on what else is asked, since it is kept under the version and the question.
 * @throws ErrataError `tokenizer_missing`; ModelError layout_*, sequence_*
 */
export async function answerQuestion(
  open: OpenModel,
  { version, question: { prompt, weigh } }: Omit<ParamsOf<'answerQuestion'>, 'model'>,
  { signal }: CallContext,
): Promise<ResultOf<'answerQuestion'>> {
  const tokenizer = open.tokenizer();
  const view = await open.view(version);
  signal.throwIfAborted();
  const { context } = open.model.spec;
  const [generated] = await view.generate([encodePrompt(tokenizer, prompt, { context })], {
    maxTokens: answerTokens,
    stop: open.endIds,
    signal,
  });
  const text = tokenizer.decodeContinuation(generated!.tokens);
  const weighed: ResultOf<'answerQuestion'>['weighed'][number][] = [];
  for (const answer of weigh) {
    requireRoom(tokenizer, answer, context);
    const { promptIds, targetIds } = layOut(tokenizer, prompt, answer);
    const [score] = await view.score([{ prompt: promptIds, target: targetIds }]);
    const logProb = score!.logProbs.reduce((sum, value) => sum + value, 0);
    weighed.push({ text: answer, probability: Math.exp(logProb), exact: exactMatch(text, [answer]) === 1 });
  }
  return { answer: firstSentence(text), weighed };
}
