//! Table `phone_codes`: who waits for a code to prove a telephone; and what a proven one does to an account. Numbers are
//! kept as hashes only.

use super::sign_ups::Tried;
use super::users::columns;
use super::{Store, seconds};
use crate::clock::Millis;
use crate::domain::account::Account;
use crate::error::Fault;
use crate::ids::UserId;
use sqlx::Row;

impl Store {
    /// A code is on its way to a telephone; the one before is good no longer.
    pub async fn await_phone_code(&self, phone_hash: &str, code_hash: &str, until: Millis) -> Result<(), Fault> {
        let query = sqlx::query(
            "insert into phone_codes (phone_hash, code_hash, expires_at) values ($1, $2, to_timestamp($3))
             on conflict (phone_hash) do update set code_hash = excluded.code_hash, expires_at = excluded.expires_at",
        )
        .bind(phone_hash)
        .bind(code_hash)
        .bind(seconds(until));
        self.within("await phone code", query.execute(&self.pool))
            .await
            .map(drop)
    }

    /// Judges a code that somebody typed; the right one is used up.
    pub async fn try_phone_code(&self, phone_hash: &str, code_hash: &str, now: Millis) -> Result<Tried, Fault> {
        let query = sqlx::query(
            "with old as (select code_hash = $2 as same, expires_at <= to_timestamp($3) as late
                 from phone_codes where phone_hash = $1),
             used as (delete from phone_codes where phone_hash = $1 and code_hash = $2 returning 1)
             select same, late, exists (select 1 from used) as used from old",
        )
        .bind(phone_hash)
        .bind(code_hash)
        .bind(seconds(now));
        let tried = async {
            let Some(row) = query.fetch_optional(&self.pool).await? else {
                return Ok(Tried::Nobody);
            };
            let is = |column| row.try_get::<bool, _>(column);
            Ok(match (is("same")?, is("late")?, is("used")?) {
                (false, ..) => Tried::Wrong,
                (true, true, _) => Tried::Expired,
                (true, false, true) => Tried::Right,
                // Another request with the same code was faster.
                (true, false, false) => Tried::Nobody,
            })
        };
        self.within("try phone code", tried).await
    }

    /// The code that was sent to a telephone is good no longer.
    pub async fn forget_phone_code(&self, phone_hash: &str) -> Result<(), Fault> {
        let query = sqlx::query("delete from phone_codes where phone_hash = $1").bind(phone_hash);
        self.within("forget phone code", query.execute(&self.pool))
            .await
            .map(drop)
    }

    /// The user has this telephone, which is kept under the first of its hashes and may have been under the others. The
    /// first telephone of an account is worth `coins`, unless another account has it.
    pub async fn prove_phone(
        &self,
        user: &UserId,
        phone_hashes: &[String],
        coins: i32,
        at: Millis,
    ) -> Result<Option<Account>, Fault> {
        let query = sqlx::query(concat!(
            "update users u set phone_hash = ($2::text[])[1], verification_status = 'verified', updated_at = to_timestamp($4),
                 coins = u.coins + case when u.phone_hash is null
                     and not exists (select 1 from users o where o.phone_hash = any($2)) then $3 else 0 end
             where u.id = $1::uuid returning ",
            columns!()
        ))
        .bind(user.as_str())
        .bind(phone_hashes)
        .bind(coins)
        .bind(seconds(at));
        self.one_user("prove phone", query).await
    }
}
