// How much of a quota a project has used.
import type { ProjectResource, Quota } from '@errata/contracts';
import './projects.css';

export const quotaWords: Readonly<Record<Quota, string>> = {
  open_jobs: 'Open jobs',
  edits_per_day: 'Edits a day',
  storage_mib: 'MiB stored',
  tokens_per_day: 'Tokens a day',
};

const numbers = new Intl.NumberFormat();
/** From here on it is nearly used up. */
const high = 0.85;

interface QuotaUseProps {
  readonly of: ProjectResource;
  readonly quota: Quota;
}

export function QuotaUse({ of: { name, quotas, usage }, quota }: QuotaUseProps) {
  const [used, bound] = [usage[quota], quotas[quota]];
  if (bound === null)
    return (
      <div className="quota">
        <strong>{numbers.format(used)}</strong>
        <span className="small soft">no bound</span>
      </div>
    );
  // A meter of nothing shows nothing: no room at all is a full one.
  const [most, filled] = bound === 0 ? [1, 1] : [bound, used];
  return (
    <div className="quota">
      <span>
        <strong>{numbers.format(used)}</strong> of {numbers.format(bound)}{' '}
        {used >= bound && <span className="badge warn">used up</span>}
      </span>
      <meter aria-label={`${quotaWords[quota]} of ${name}, used`} max={most} high={high * most} value={filled} />
    </div>
  );
}
