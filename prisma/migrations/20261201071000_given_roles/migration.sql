-- Roles that people were given in a project, which hold there instead of what their provider says; none for who was removed from it.
CREATE TABLE given_roles (
  project_id text NOT NULL REFERENCES projects,
  person_id  text NOT NULL REFERENCES api_keys,
  role       text,
  PRIMARY KEY (person_id, project_id)
);
