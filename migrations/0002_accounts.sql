-- Why: people who come back. One table of users is behind both families of the API, so that a person is one person in
-- both; a login is what a token stands for, so that it can be ended on every node; a sign-up waits until its e-mail
-- address is proven. All of it is new: nodes of the release before go on without it.

create table users (
    id                  uuid primary key,
    -- Lower-cased. None: the account of a device, or one that keeps no address.
    email               text unique check (email = lower(email)),
    username            text,
    display_name        text,
    avatar_url          text,
    bio                 text,
    native_languages    text[] not null default '{}',
    learning_languages  text[] not null default '{}',
    interests           text[] not null default '{}',
    privacy_level       text not null default 'public' check (privacy_level in ('public', 'friends', 'private')),
    gender              text not null default 'others' check (gender in ('male', 'female', 'others')),
    phone_hash          text,
    -- Argon2id, with its parameters (PHC). None: signs in in another way.
    password_hash       text,
    password_changed_at timestamptz,
    google_sub          text unique,
    google_email        text,
    google_picture_url  text,
    provider            text not null default 'email' check (provider in ('email', 'google', 'google+email', 'device')),
    email_verified      boolean not null default false,
    -- A device's fingerprint is an identifier and no secret, but nothing that must be readable here.
    device_hash         text unique,
    terms_accepted_at   timestamptz,
    verification_status text not null default 'guest' check (verification_status in ('guest', 'verified')),
    subscription_level  text not null default 'normal' check (subscription_level in ('normal', 'premium')),
    subscription_type   text not null default 'none' check (subscription_type in ('none', 'starter', 'standard', 'premium')),
    subscription_until  timestamptz,
    role                text not null default 'user' check (role in ('user', 'admin', 'super_admin')),
    status              text not null default 'active' check (status in ('active', 'banned', 'suspended')),
    ban_reason          text,
    -- None while banned: for good.
    banned_until        timestamptz,
    coins               integer not null default 50 check (coins >= 0),
    total_chats         integer not null default 0,
    daily_chats         integer not null default 0,
    last_coin_claim     timestamptz not null default now(),
    report_count        integer not null default 0,
    preferences         jsonb not null default '{}',
    -- Where somebody came from when signing up: for the numbers, all of it may be unknown.
    signup_platform     text not null default 'web',
    signup_source       text,
    signup_campaign     text,
    signup_country      text,
    signup_region       text,
    signup_city         text,
    signup_latitude     double precision,
    signup_longitude    double precision,
    referrer_url        text,
    referrer_domain     text,
    utm_source          text,
    utm_medium          text,
    utm_campaign        text,
    utm_term            text,
    utm_content         text,
    last_login_at       timestamptz,
    last_login_device   text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    last_active_at      timestamptz not null default now()
);

-- "Ann" and "ann" are one name to people.
create unique index users_by_username on users (lower(username));
create index users_by_time on users (created_at);

-- Deleted accounts, for those who must answer for what was done with them.
create table deleted_users (
    id         uuid primary key,
    reason     text not null,
    account    jsonb not null,
    deleted_at timestamptz not null
);

create table logins (
    id         uuid primary key,
    user_id    uuid not null references users (id) on delete cascade,
    family     text not null check (family in ('omegoo', 'free2talk')),
    -- How often its refresh token was exchanged. A refresh token names the generation that it is good for; one of an
    -- older generation was used twice, and somebody else may have it.
    generation integer not null default 0,
    rotated_at timestamptz not null,
    device     text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_why text check (revoked_why in ('logout', 'replaced', 'password', 'reuse', 'ban', 'deleted'))
);

create index logins_by_user on logins (user_id) where revoked_at is null;
create index logins_by_end on logins (expires_at);

-- Codes sent by mail. A row with a password is somebody who wants an account; one without, an account whose address is
-- still to be proven.
create table sign_ups (
    email         text primary key check (email = lower(email)),
    username      text,
    password_hash text,
    gender        text,
    -- Keyed: six digits would be found at once otherwise.
    code_hash     text not null,
    code_until    timestamptz not null,
    expires_at    timestamptz not null
);

create index sign_ups_by_end on sign_ups (expires_at);

-- Links to a new password, of an account the last one. The address is the one that it was sent to: who reads that mail has
-- proven it.
create table resets (
    token_hash text primary key,
    user_id    uuid not null unique references users (id) on delete cascade,
    email      text not null,
    expires_at timestamptz not null
);

create index resets_by_end on resets (expires_at);

-- Codes sent to telephones, each by the hash of its number.
create table phone_codes (
    phone_hash text primary key,
    code_hash  text not null,
    expires_at timestamptz not null
);

create index phone_codes_by_end on phone_codes (expires_at);
create index users_by_phone on users (phone_hash) where phone_hash is not null;
