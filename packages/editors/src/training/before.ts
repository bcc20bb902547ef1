// What a version says before anything is trained: what locality is held to.
import { input, logSoftmax, mulDims } from '@errata/graph';
import { buildDecoder, type View, type ViewProgram } from '@errata/models';

/** Log-probabilities `before` `[L, vocabulary]` of a version, at `rows` of B sequences of T tokens. */
export function beforeProgram(view: View): Promise<ViewProgram> {
  return view.program('before', (weight) => {
    const tokens = mulDims('B', 'T');
    const { logits } = buildDecoder(view.spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'ids', ids: input('ids', 'int32', [tokens]) },
      positions: input('positions', 'int32', [tokens]),
      bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
      rows: input('rows', 'int32', ['L']),
      weight,
    });
    return { before: logSoftmax(logits()) };
  });
}
