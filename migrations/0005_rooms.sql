-- Why: voice rooms are their owners' for good, closed ones too; Redis has them only while somebody is there. Nodes of the
-- release before know of no rooms.

create table rooms (
    id               uuid primary key,
    name             text not null,
    slug             text unique,
    owner_id         uuid not null references users (id) on delete cascade,
    topic            text,
    languages        text[] not null default '{}',
    max_participants smallint not null default 12 check (max_participants between 2 and 12),
    created_at       timestamptz not null,
    -- None: it is open.
    closed_at        timestamptz
);

create index rooms_by_owner on rooms (owner_id, created_at desc);
