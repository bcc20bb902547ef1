// What an evaluation is called beside others.
import type { EvaluationResource } from '@errata/contracts';

export function nameOf({ editor, suite, branch }: EvaluationResource): string {
  const asked = suite.name ?? suite.source;
  if (editor !== null) return `${editor.name}, ${editor.protocol.kind}: ${asked}`;
  return `${branch ?? 'a version'} as it is: ${asked}`;
}
