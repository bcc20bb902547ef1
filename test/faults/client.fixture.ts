// Run by the tests in a process of its own, to be harmed: what the API does to the database for one request. Prints the acknowledgement.
import { editSchema, type GatePolicy } from '@errata/contracts';
import { addToInbox, approveJob, openLineage, setAlias, submitEditJob } from '@errata/lineage';
import { z } from 'zod';

const requestSchema = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('submit'),
    model: z.string(),
    branch: z.string(),
    edits: z.array(editSchema),
    editor: z.string(),
    config: z.record(z.string(), z.unknown()),
  }),
  z.object({ do: z.literal('deliver'), branch_id: z.string(), edits: z.array(editSchema) }),
  z.object({ do: z.literal('approve'), job: z.string() }),
  z.object({ do: z.literal('alias'), model: z.string(), name: z.string(), version: z.string() }),
]);
export type ClientRequest = z.input<typeof requestSchema>;

const openGate: GatePolicy = { rules: [] };
const request = requestSchema.parse(JSON.parse(process.argv[2] ?? ''));
const db = await openLineage(process.env.DATABASE_URL ?? '', { poolSize: 2 });
console.log(JSON.stringify({ acknowledged: await carryOut() }));
await db.close();

async function carryOut(): Promise<readonly string[]> {
  switch (request.do) {
    case 'submit': {
      const rest = {
        seed: 7,
        on_error: 'abort',
        on_conflict: 'rebase',
        created_by: null,
      } as const;
      return [(await submitEditJob(db, { ...request, ...rest, gate: openGate })).id];
    }
    case 'deliver':
      return (await addToInbox(db, { ...request, priority: 0, created_by: null })).edits.map(({ id }) => id);
    case 'approve':
      return [(await approveJob(db, { jobId: request.job, by: 'somebody', reason: 'a test' })).id];
    case 'alias':
      return [(await setAlias(db, request.model, request.name, { version: request.version })).version_id];
  }
}
