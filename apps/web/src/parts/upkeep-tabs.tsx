// What whoever runs the service looks after.
import { Link } from '@tanstack/react-router';

export function UpkeepTabs() {
  return (
    <div className="tabs">
      <Link to="/upkeep">Models</Link>
      <Link to="/storage">Storage</Link>
      <Link to="/health">Health</Link>
      <Link to="/projects">Projects</Link>
      <Link to="/keys">Keys</Link>
      <Link to="/webhooks">Webhooks</Link>
    </div>
  );
}
