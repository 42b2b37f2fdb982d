-- Why: what must outlive a chat. Messages are not stored (they are a promise of the product), only that a conversation
-- took place, and the lines a reporter asked us to look at. Both come from the journal, where the same fact may be
-- read twice, so each row's key is the fact's own and a second insert changes nothing.
-- People are names that nodes made (a registered id or a guest's): they are text and reference nothing.

create table conversations (
    room       uuid primary key,
    kind       text not null,
    opened_at  timestamptz not null,
    ended_at   timestamptz not null,
    end_reason text not null,
    ended_by   text,
    messages   integer not null check (messages >= 0),
    people     text[] not null
);

-- Retention deletes by age; history asks by person.
create index conversations_by_end on conversations (ended_at);
create index conversations_by_person on conversations using gin (people);

create table reports (
    id          uuid primary key,
    room        uuid not null,
    reporter    text not null,
    reported    text not null,
    violation   text not null,
    description text not null,
    status      text not null default 'pending' check (status in ('pending', 'reviewed', 'dismissed')),
    -- The last lines of the room as they were when the report was made; null once their time is over.
    messages    jsonb,
    created_at  timestamptz not null
);

create index reports_by_time on reports (created_at);
create index reports_by_reported on reports (reported, created_at);
create index reports_by_reporter on reports (reporter, created_at);
