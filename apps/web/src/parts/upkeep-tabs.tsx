// What whoever runs the service looks after.
import { Link } from '@tanstack/react-router';

export function UpkeepTabs() {
  return (
    <div className="tabs">
      <Link to="/upkeep">Models and storage</Link>
      <Link to="/keys">Keys</Link>
    </div>
  );
}
