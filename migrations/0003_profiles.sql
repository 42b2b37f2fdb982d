-- Why: what people are shown of others, counted once and for good (conversations themselves are forgotten after a while);
-- guests, who are remembered by their device; and where somebody came from, while their address is still to be proven.
-- Nodes of the release before count nothing and know no guests; what they write is complete without it.

alter table users
    add column calls_completed integer not null default 0 check (calls_completed >= 0),
    add column call_minutes    integer not null default 0 check (call_minutes >= 0);

-- Who deleted the account: its user, or somebody who may.
alter table deleted_users add column deleted_by text;

create table guests (
    -- Of the device's id, which is a secret of the device.
    id_hash     text primary key,
    -- As sockets name the guest.
    user_id     text not null,
    device      jsonb not null default '{}',
    sessions    integer not null default 1 check (sessions > 0),
    status      text not null default 'active' check (status in ('active', 'deleted')),
    notes       text,
    origin      jsonb not null default '{}',
    created_at  timestamptz not null,
    last_seen   timestamptz not null
);

create index guests_by_time on guests (last_seen);
create index guests_by_user on guests (user_id);
