// What an evaluation is called beside others.
import type { EvaluationResource } from '@errata/contracts';

const said = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The settings in which it differs from others of its editor. */
function settings({ editor }: EvaluationResource, among: readonly EvaluationResource[]): readonly string[] {
  if (editor === null) return [];
  const others = among.flatMap(({ editor: other }) => (other?.name === editor.name ? [other.config] : []));
  return Object.entries(editor.config)
    .filter(([name, value]) => others.some((other) => said(other[name]) !== said(value)))
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${said(value)}`);
}

/** @param among those that it is told apart from */
export function nameOf(evaluation: EvaluationResource, among: readonly EvaluationResource[] = []): string {
  const { editor, suite, branch } = evaluation;
  const asked = suite.name ?? suite.source;
  if (editor === null) return `${branch ?? 'a version'} as it is: ${asked}`;
  return [`${editor.name}, ${editor.protocol.kind}: ${asked}`, ...settings(evaluation, among)].join(', ');
}
