// Lays out the prompts of a batch as a model's tokenizer has them, and says which of them the model cannot be asked.
import {
  atOnce,
  type Complaint,
  complaintsKept,
  type Edit,
  ErrataError,
  type Join,
  type Steps,
} from '@errata/contracts';
import { encodePrompt, layOut, ModelError, subjectSpan, type Tokenizer } from '@errata/models';
import type { EditLayout, LayoutComplaint } from '../calls/index.ts';
import { asErrataError } from '../errors.ts';

/** What laying out needs of a model. */
export interface TextModel {
  readonly tokenizer: Tokenizer;
  /** Tokens that the model reads. */
  readonly context: number;
}

interface Text {
  readonly path: readonly (string | number)[];
  readonly prompt: string;
  /** Without one, there must be room for the first token of an answer. */
  readonly target: string | undefined;
  readonly targetPath: readonly (string | number)[];
  readonly join: Join | undefined;
}

export interface LaidOut {
  readonly layouts: readonly EditLayout[];
  readonly complaints: readonly LayoutComplaint[];
}

export const layOutEdits = (model: TextModel, edits: readonly Edit[], most?: number): LaidOut =>
  atOnce(layingOut(model, edits, undefined, most));

/** {@link layOutEdits} in steps, an edit each, given up once nobody waits for it. Stops after so many complaints. */
export function* layingOut(
  model: TextModel,
  edits: readonly Edit[],
  signal?: AbortSignal,
  most = complaintsKept,
): Steps<LaidOut> {
  const layouts: EditLayout[] = [];
  const complaints: LayoutComplaint[] = [];
  for (const [position, edit] of edits.entries()) {
    signal?.throwIfAborted();
    if (complaints.length >= most) break;
    yield;
    const before = complaints.length;
    const lengths: number[] = [];
    const texts = textsOf(edit);
    const refused = new Set<string>();
    for (const text of texts) {
      if (refused.has(text.path.join('.')) || refused.has(text.targetPath.join('.'))) continue;
      try {
        lengths.push(tokensOf(model, text));
      } catch (error) {
        const path = isOfTarget(error) ? text.targetPath : text.path;
        refused.add(path.join('.'));
        complaints.push({ position, path, ...complaintOf(error) });
      }
    }
    if (complaints.length > before) continue;
    try {
      const { prompt, subject, join } = edit;
      const { promptIds, targetIds } = layOut(model.tokenizer, prompt, edit.target_new, { join });
      layouts.push({
        custom_id: edit.custom_id,
        prompt_tokens: promptIds.length,
        target_tokens: targetIds.length,
        subject: subject === undefined ? null : subjectSpan(model.tokenizer, prompt, subject, { join }),
        prompts: new Set(texts.map(({ path }) => path.join('.'))).size,
        longest: Math.max(...lengths),
      });
    } catch (error) {
      complaints.push({ position, path: ['subject'], ...complaintOf(error) });
    }
  }
  return { layouts, complaints };
}

/** A complaint with everything by which whoever sent the batch can find what it is about. */
export function located(edits: readonly Edit[], { position, path, code, message }: LayoutComplaint): Complaint {
  const { custom_id } = edits[position]!;
  const pointer = `/edits/${[position, ...path].join('/')}`;
  return { code, custom_id, pointer, field: path.join('.'), message };
}

function textsOf(edit: Edit): readonly Text[] {
  const { target_new, target_true, join: own } = edit;
  const of = (prompt: string, path: Text['path']): readonly Text[] => [
    { path, prompt, target: target_new, targetPath: ['target_new'], join: own },
    ...(target_true === undefined
      ? []
      : [{ path, prompt, target: target_true, targetPath: ['target_true'], join: own }]),
  ];
  const probes = (['locality', 'portability'] as const).flatMap((family) =>
    Object.entries(edit[family]).flatMap(([kind, list]) =>
      (list ?? []).flatMap(({ prompt, target, join = own }, index): Text[] => {
        const path = [family, kind, index, 'prompt'];
        // Where the true answer is known, a gate may weigh the new one against it on neighbours.
        const rival = { path, prompt, target: target_new, targetPath: ['target_new'], join };
        return [
          { path, prompt, target, targetPath: [family, kind, index, 'target'], join },
          ...(kind === 'neighbourhood' && target_true !== undefined ? [rival] : []),
        ];
      }),
    ),
  );
  return [
    ...of(edit.prompt, ['prompt']),
    ...edit.rephrases.flatMap((prompt, index) => of(prompt, ['rephrases', index])),
    ...probes,
  ];
}

const isOfTarget = (error: unknown): boolean =>
  error instanceof ModelError && (error.code === 'layout_target_empty' || error.code === 'layout_target_unspellable');

/** @throws ErrataError `prompt_too_long`; ModelError layout_*, tokenizer_offsets_unavailable */
function tokensOf({ tokenizer, context }: TextModel, { prompt, target, join }: Text): number {
  // Where prompt and target merge, what generation starts from differs from what is scored: both must fit.
  const alone = encodePrompt(tokenizer, prompt, { context, join }).length + 1;
  const layout = target === undefined ? undefined : layOut(tokenizer, prompt, target, { join });
  const tokens = Math.max(alone, layout === undefined ? 0 : layout.promptIds.length + layout.targetIds.length);
  if (tokens <= context) return tokens;
  throw new ErrataError('prompt_too_long', `prompt and answer are ${tokens} tokens; the model reads ${context}`, {
    details: { tokens, context },
  });
}

function complaintOf(error: unknown): Pick<LayoutComplaint, 'code' | 'message'> {
  const { code, message } = asErrataError(error);
  if (code === 'internal') throw error;
  return { code, message };
}
