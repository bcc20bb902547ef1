// The rules of a gate, a row each: a metric, what it is held against, and its bounds.
import { boundedMetric, type GateRule, gateMetrics, gateReferences, gateUse } from '@errata/contracts';
import { useId } from 'react';

interface RulesProps {
  readonly rules: readonly GateRule[];
  readonly onChange: (rules: GateRule[]) => void;
}

export function Rules({ rules, onChange }: RulesProps) {
  const change = (index: number, rule: GateRule) => onChange(rules.map((each, at) => (at === index ? rule : each)));
  return (
    <section className="card stack" aria-label="Rules">
      <h2>Rules</h2>
      {rules.length === 0 && <p className="soft">None: any batch passes, whatever it does.</p>}
      <ol className="gate-rules">
        {rules.map((rule, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rules have no names, and stay where they are
          <li key={index}>
            <Rule
              rule={rule}
              number={index + 1}
              onChange={(changed) => change(index, changed)}
              onRemove={() => onChange(rules.filter((_, at) => at !== index))}
            />
          </li>
        ))}
      </ol>
      <div className="row">
        <button
          type="button"
          className="button"
          onClick={() => onChange([...rules, { metric: 'reliability_exact', min: 0.5 }])}
        >
          Add a rule
        </button>
      </div>
    </section>
  );
}

interface RuleProps {
  readonly rule: GateRule;
  readonly number: number;
  readonly onChange: (rule: GateRule) => void;
  readonly onRemove: () => void;
}

const against = { absolute: 'by itself', parent: 'against the parent', base: 'against the base' } as const;

/** What a metric can be held against; the first is meant where a rule says nothing. */
function referencesOf(metric: string): readonly (typeof gateReferences)[number][] {
  const as = gateUse(metric)?.as;
  return as === 'work' ? [] : as === 'comparison' ? ['parent', 'base'] : gateReferences;
}

function Rule({ rule, number, onChange, onRemove }: RuleProps) {
  const id = useId();
  const references = referencesOf(rule.metric);
  const perEdit = gateUse(rule.metric)?.of === 'edits' && gateUse(rule.metric)?.as !== 'work';
  const bound = (which: 'min' | 'max', text: string) => {
    const { [which]: _, ...rest } = rule;
    const value = Number(text);
    onChange(text === '' || Number.isNaN(value) ? rest : { ...rest, [which]: value });
  };
  return (
    <fieldset className="gate-rule">
      <legend className="unseen">Rule {number}</legend>
      <div className="field">
        <label htmlFor={`${id}-metric`}>Metric</label>
        <select
          id={`${id}-metric`}
          className="input"
          value={rule.metric}
          onChange={({ target }) => {
            const metric = gateMetrics.find((each) => each === target.value);
            // What it was held against may mean nothing for another.
            const { against: _, each: __, ...bounds } = rule;
            if (metric !== undefined) onChange({ ...bounds, metric });
          }}
        >
          {gateMetrics.map((metric) => (
            <option key={metric} value={metric}>
              {metric.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
      </div>
      {references.length > 0 && (
        <div className="field">
          <label htmlFor={`${id}-against`}>Held</label>
          <select
            id={`${id}-against`}
            className="input"
            value={rule.against ?? references[0]}
            onChange={({ target }) => {
              const { against: _, ...rest } = rule;
              const chosen = references.find((each) => each === target.value);
              onChange(chosen === undefined || chosen === references[0] ? rest : { ...rest, against: chosen });
            }}
          >
            {references.map((reference) => (
              <option key={reference} value={reference}>
                {against[reference]}
              </option>
            ))}
          </select>
        </div>
      )}
      {(['min', 'max'] as const).map((which) => (
        <div key={which} className="field bound">
          <label htmlFor={`${id}-${which}`}>{which === 'min' ? 'At least' : 'At most'}</label>
          <input
            id={`${id}-${which}`}
            className="input"
            type="number"
            step="any"
            value={rule[which] ?? ''}
            onChange={({ target }) => bound(which, target.value)}
          />
        </div>
      ))}
      {perEdit && (
        <label className="check small">
          <input
            type="checkbox"
            checked={rule.each === true}
            onChange={({ target }) => {
              const { each: _, ...rest } = rule;
              onChange(target.checked ? { ...rest, each: true } : rest);
            }}
          />
          each edit
        </label>
      )}
      <button type="button" className="button" onClick={onRemove} aria-label={`Remove rule ${number}`}>
        Remove
      </button>
      <p className="small soft about">{boundedMetric(rule.metric)?.definition.replaceAll('`', '')}</p>
    </fieldset>
  );
}
