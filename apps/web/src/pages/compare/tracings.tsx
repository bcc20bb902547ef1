// Where the model looks facts up, as causal tracing has it: heat maps of what is stored.
import { tracingSummarySchema } from '@errata/editors/catalogue';
import { heatMap, tracingMaps } from '@errata/evaluation/charts';
import { useQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { Charts } from '../../parts/chart.tsx';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';

export function Tracings({ model }: { readonly model: string }) {
  const { data: artefacts, error } = useQuery({
    queryKey: ['artefacts', model, 'causal_trace'],
    queryFn: async () => (await errata.artefacts.list({ model, kind: 'causal_trace', limit: 5 }).page()).data,
  });
  const traced = (artefacts ?? []).flatMap(({ id, details, created_at }) => {
    const { data: summary } = tracingSummarySchema.safeParse(details);
    return summary === undefined ? [] : [{ id, created_at, summary }];
  });
  if (error !== null) return <Problem error={error} />;
  if (traced.length === 0) return null;
  return (
    <section className="stack" aria-label="Causal tracing">
      <h2>Where {model} looks facts up</h2>
      {traced.map(({ id, created_at, summary }) => {
        const { maps, greatest } = tracingMaps(summary);
        return (
          <div key={id} className="stack tight">
            <p className="small soft">
              Causal tracing of {summary.facts} facts, <When at={created_at} />. Colour is by how much the probability
              of the answer comes back, {greatest.toFixed(3)} at full strength. MLPs at the last token of the subject
              bring back most at layer {summary.recommended.layer}.
            </p>
            <Charts drawn={maps.map(heatMap)} />
          </div>
        );
      })}
    </section>
  );
}
