// What a knowledge encoder comes to on edits that it was not trained on: served from a memory that holds all of them, as it would be.
import { createHash } from 'node:crypto';
import { decodeKnowledgeEncoder, foundRow, heldKnowledgeEncoder, type Model, type PromptRow } from '@errata/models';
import type { TrainingRecord } from '../../training/records.ts';
import type { Validation } from '../../training/train.ts';
import { validateMemory } from '../../training/validate-memory.ts';

/** @param bytes the encoder as it would be stored @param records no two of one prompt */
export async function validate(
  model: Model,
  bytes: Uint8Array,
  records: readonly TrainingRecord[],
): Promise<Validation> {
  const encoder = createHash('sha256').update(bytes).digest('hex');
  const takeBack = model.contents.lend(encoder, bytes);
  try {
    const held = await heldKnowledgeEncoder(model, encoder);
    const { representations, prompts } = await held.statements(records.map(({ statement }) => statement));
    const { representation: r, promptTokens, promptWidth } = decodeKnowledgeEncoder(bytes).spec;
    const p = promptTokens * promptWidth;
    const rows = records.map(
      ({ reliability, statement }, at): PromptRow => ({
        encoder,
        prompt: reliability.query,
        text: statement,
        threshold: null,
        gives: 'prompts',
        representation: representations.subarray(at * r, (at + 1) * r),
        prompts: prompts.subarray(at * p, (at + 1) * p),
      }),
    );
    const result = await validateMemory(
      model,
      records,
      { kind: 'prompt_rows', rows, renewed: [] },
      async (query) => (await foundRow(rows, query, async () => held))?.row.prompt ?? null,
    );
    await held.release();
    return result;
  } finally {
    takeBack();
  }
}
