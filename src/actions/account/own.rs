//! What people do with their own accounts in the Omegoo API: another name or address, preferences, the gender once, the
//! tier that is proven, the coins of the day, and leaving for good.

use super::{Member, must};
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, Email, Gender, No, Tier, Username, Why, Wishes, day_of};
use crate::error::Fault;
use crate::store::profiles::Named;
use serde_json::Value;

/// Another name or address, as somebody wrote it.
#[derive(Debug, Clone, Default)]
pub struct ContactForm {
    pub username: Option<String>,
    pub email: Option<String>,
    /// The code that was sent to the address.
    pub otp: Option<String>,
}

/// What came of a [`ContactForm`].
#[derive(Debug, Clone, PartialEq)]
pub enum Contact {
    /// All of it is so.
    Changed(Box<Account>),
    /// A code is on its way to this address, which is to be sent with it.
    Pending(String),
}

/// What an address must be before a code is sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAddress(Email);

impl NewAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Actions {
    /// Who makes a request about an account, which may be used; the first of a day brings its coins.
    pub async fn member(&self, token: &str) -> Result<Member, Denied> {
        let mut caller = self.authenticate(token).await?;
        self.must_not_be_banned(&caller.account)?;
        self.refill(&mut caller.account).await?;
        Ok(caller)
    }

    /// The same where nobody needs to be somebody: with a token that is no good one is nobody.
    pub async fn member_if_good(&self, token: &str) -> Result<Option<Member>, Fault> {
        match self.authenticate(token).await {
            Ok(caller) => Ok(Some(caller)),
            Err(Denied::Refused(_)) => Ok(None),
            Err(Denied::Failed(fault)) => Err(fault),
        }
    }

    /// The coins of the day, at the first request of a day.
    pub async fn refill(&self, account: &mut Account) -> Result<(), Fault> {
        let now = self.now();
        if !account.is_due_for_coins(now) {
            return Ok(());
        }
        let least = i32::try_from(self.settings.accounts.daily_coins).unwrap_or(i32::MAX);
        let fresh = self.store.refill_coins(&account.id, least, now, day_of(now)).await?;
        let fresh = match fresh {
            Some(fresh) => Some(fresh),
            // Two requests at once: the other gave them.
            None => self.store.user_by_id(&account.id).await?,
        };
        *account = fresh.unwrap_or_else(|| account.clone());
        Ok(())
    }

    /// The address that the caller wants instead, when a code is still to be sent to it.
    pub fn wants_code(&self, caller: &Member, form: &ContactForm) -> Result<Option<NewAddress>, Denied> {
        let Some(text) = form.email.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let email = Email::parse(text)?;
        let same = caller.account.email.as_deref() == Some(email.as_str());
        if same || form.otp.as_deref().is_some_and(|otp| !otp.is_empty()) {
            return Ok(None);
        }
        match email.is_of(&self.settings.accounts.email_domains) {
            true => Ok(Some(NewAddress(email))),
            false => Err(No::UnsupportedDomain.into()),
        }
    }

    /// Another name, at once; another address, when the code that was sent to it comes with it.
    pub async fn change_contact(
        &self,
        caller: &Member,
        form: &ContactForm,
        unproven: Option<&NewAddress>,
    ) -> Result<Contact, Denied> {
        let mut account = caller.account.clone();
        if let Some(text) = form.username.as_deref().filter(|text| !text.is_empty()) {
            let name = Username::relaxed(text)?;
            account = name_of(
                self.store.set_username(&account.id, &name, self.now()).await?,
                No::UsernameTaken,
            )?;
        }
        if let Some(NewAddress(email)) = unproven {
            self.must_sign()?;
            if self.store.user_by_email(email).await?.is_some() {
                return Err(No::EmailTaken.into());
            }
            self.send_code(email, None, account.username.as_deref().unwrap_or_default())
                .await?;
            return Ok(Contact::Pending(email.as_str().to_owned()));
        }
        if let (Some(email), Some(otp)) = (&form.email, &form.otp) {
            let email = Email::parse(email)?;
            if account.email.as_deref() != Some(email.as_str()) {
                account = self.move_to(&account, &email, otp.trim()).await?;
            }
        }
        Ok(Contact::Changed(Box::new(account)))
    }

    async fn move_to(&self, account: &Account, email: &Email, otp: &str) -> Result<Account, Denied> {
        let hash = self.judge(email, otp).await?.ok_or(No::NoSignUp)?;
        let moved = self.store.set_email(&account.id, email, &hash, self.now()).await?;
        Ok(name_of(moved, No::EmailTaken)?)
    }

    /// What the user's apps keep, with what changes laid over it.
    pub async fn change_preferences(&self, caller: &Member, wishes: Wishes) -> Result<Value, Denied> {
        let change = wishes.change()?;
        let changed = self
            .store
            .change_preferences(&caller.account.id, change, self.now())
            .await?;
        Ok(changed.ok_or(No::NoUser)?.preferences)
    }

    /// The user's gender, which is said once.
    pub async fn confirm_gender(&self, caller: &Member, gender: Option<&str>) -> Result<Account, Denied> {
        let gender = Gender::parse(must(gender, "gender")?).ok_or(No::Invalid {
            field: "gender",
            why: "Gender must be male, female or others",
        })?;
        let said = self.store.say_gender(&caller.account.id, gender, self.now()).await?;
        said.ok_or_else(|| No::GenderSaid.into())
    }

    /// The tier follows from what is proven and what is paid for: it may be asked for, not chosen.
    pub async fn ask_for_tier(&self, caller: &Member, tier: Tier) -> Result<Account, Denied> {
        let mut account = caller.account.clone();
        if tier.number() <= account.tier().number() {
            return Ok(account);
        }
        if tier != Tier::Verified {
            return Err(No::NotForAsking.into());
        }
        match self.store.verify_user(&account.id, self.now()).await? {
            true => {
                account.verified = true;
                Ok(account)
            }
            false => Err(No::NotProven.into()),
        }
    }

    /// The account goes: archived, its logins ended, its sockets closed, its picture forgotten.
    pub async fn delete_own_account(&self, caller: &Member) -> Result<(), Denied> {
        let (user, now) = (&caller.account.id, self.now());
        // Sockets first: should anything fail after it, the account is still there and its user may try again.
        let logins = self.store.logins_of(user, now).await?;
        self.close_logins(user, &logins, Why::Deleted).await?;
        let gone = self
            .store
            .delete_user(user, "user_request", user, now)
            .await?
            .ok_or(No::NoUser)?;
        let late: Vec<_> = gone
            .logins
            .into_iter()
            .filter(|login| !logins.contains(login))
            .collect();
        self.close_logins(user, &late, Why::Deleted).await?;
        if let Some(url) = gone.avatar_url {
            self.forget_picture_if_it_can_be(&url).await;
        }
        Ok(())
    }
}

fn name_of(named: Named, taken: No) -> Result<Account, No> {
    match named {
        Named::As(account) => Ok(*account),
        Named::Taken => Err(taken),
        Named::Nobody => Err(No::NoUser),
    }
}
