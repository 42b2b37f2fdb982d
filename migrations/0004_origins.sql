-- Why: where somebody came from waits with the sign-up until the address is proven, and is then the user's; regions and
-- countries are kept with their names, which are not to be had from codes later. Nodes of the release before write none of
-- it, and what they write is complete without it: unknown.

alter table sign_ups add column origin jsonb;

alter table users
    add column signup_country_name text,
    add column signup_region_name  text,
    -- How far around the coordinates somebody may have been.
    add column signup_accuracy_km  integer;
