// What may be asked of the kinds of artefact: the body of a request, as the kinds themselves say.
import { editorNameSchema, nameOrIdSchema, prioritySchema } from '@errata/contracts';
import { z } from 'zod';
import type { ArtefactRequestFields } from './description.ts';
import { artefactKindNames, describeArtefact } from './index.ts';

const bodyOf = (kind: string) =>
  z.strictObject({
    model: nameOrIdSchema,
    kind: z.literal(kind).describe(`For ${describeArtefact(kind).title}.`),
    editor: editorNameSchema.optional().describe('Instead of choosing: those that one editor needs by default.'),
    priority: prioritySchema,
  });

const [first, ...others] = artefactKindNames.map(
  (kind) => bodyOf(kind).extend(describeArtefact(kind).request.shape) as ReturnType<typeof bodyOf>,
);

export const artefactRequestSchema = z
  .discriminatedUnion('kind', [first!, ...others])
  .superRefine((request, context) => {
    const { chosenBy } = describeArtefact(request.kind);
    if (request.editor !== undefined && (request as ArtefactRequestFields)[chosenBy] !== undefined)
      context.addIssue({ code: 'custom', path: ['editor'], message: `give either ${chosenBy} or an editor` });
  })
  .meta({ id: 'ArtefactRequest' });

/** A request for artefacts as its job keeps it: what was left out is null. */
export function artefactJobInput(request: z.output<typeof artefactRequestSchema>): ArtefactRequestFields {
  const { kind, editor = null } = request;
  const fields = Object.keys(describeArtefact(kind).request.shape);
  const given = request as ArtefactRequestFields;
  return { kind, editor, ...Object.fromEntries(fields.map((field) => [field, given[field] ?? null])) };
}

/** What a job's input says of how artefacts of a kind are built. */
export const artefactJobFields = (kind: string, input: ArtefactRequestFields): ArtefactRequestFields =>
  describeArtefact(kind)
    .request.strip()
    .parse(Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)));
