// The frame: what everything is about, the way to every page, who is signed in.
import { Link, Outlet, useMatches, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useWhere } from '../api/models.ts';
import { useSession } from '../api/session.ts';
import { pages } from '../pages/index.ts';
import icon from '../style/icon.svg';
import { ServiceAway } from './service-away.tsx';

const navId = 'pages';

export function Shell() {
  const title = useMatches().at(-1)?.staticData.title ?? 'Errata';
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const first = useRef(path);
  useEffect(() => {
    document.title = title === 'Errata' ? title : `${title} · Errata`;
  }, [title]);
  useEffect(() => {
    // Whoever reads by ear or moves by keyboard goes on where the new page begins.
    if (first.current !== path) main.current?.focus();
    first.current = path;
    document.getElementById(navId)?.hidePopover?.();
  }, [path]);
  return (
    <div className="shell">
      <a className="skip button unseen" href="#main">
        To the content
      </a>
      <header className="bar">
        <Link to="/" className="brand">
          <img src={icon} alt="" /> Errata
        </Link>
        <WherePicker />
        <button type="button" className="button menu-button" popoverTarget={navId}>
          Menu
        </button>
        <SignedIn />
      </header>
      <Nav />
      <main id="main" className="main" ref={main} tabIndex={-1}>
        <ServiceAway />
        <Outlet />
      </main>
    </div>
  );
}

function Nav() {
  const within = useMatches().at(-1)?.staticData.within;
  return (
    <nav id={navId} className="nav" popover="auto" aria-label="Pages">
      {pages.map(({ to, options: { staticData } }) =>
        staticData.nav === undefined ? null : (
          <Link
            key={to}
            to={to}
            activeProps={{ 'aria-current': 'page' }}
            {...(within === to ? { 'aria-current': 'page' } : {})}
          >
            {staticData.nav.label}
            <small>{staticData.nav.hint}</small>
          </Link>
        ),
      )}
    </nav>
  );
}

/** The model and the branch that the pages are about. */
function WherePicker() {
  const { model, branch, models, branches } = useWhere();
  const navigate = useNavigate();
  if (model === undefined) return <div className="where" />;
  const go = (search: { model: string; branch?: string | undefined }) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, branch: undefined, ...search }) });
  return (
    <div className="where">
      <label>
        Model
        <select className="input" value={model} onChange={({ target }) => go({ model: target.value })}>
          {models.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        Branch
        <select className="input" value={branch} onChange={({ target }) => go({ model, branch: target.value })}>
          {branches.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

function SignedIn() {
  const { key, signOut } = useSession();
  return (
    <details className="who">
      <summary className="button">Signed in</summary>
      <div className="card stack tight">
        <p>
          With the key <strong>{key?.name}</strong>, which may do: {key?.scopes.join(', ')}.
        </p>
        <button type="button" className="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </details>
  );
}
