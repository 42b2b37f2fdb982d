//! Telephones: a code is sent, and who types it has proven the number.

use super::codes::{fresh_code, six_digits};
use super::{Member, must};
use crate::actions::{Actions, Denied};
use crate::domain::account::{Account, No, PHONE_COINS, Phone};
use crate::domain::letter::{Medium, Says};
use crate::domain::limits::{OTP_PHONE, SMS_PHONE, Subject};
use crate::domain::refusal::Refusal;
use crate::store::sign_ups::Tried;

impl Actions {
    /// Sends a code to a telephone.
    pub async fn send_phone_code(&self, phone: Option<&str>) -> Result<(), Denied> {
        self.must_sign()?;
        let phone = Phone::parse(must(phone, "phone")?)?;
        let subject = Subject::Phone(phone.as_str());
        self.take(&[(&SMS_PHONE, subject)]).await?;
        self.unless_failed(&[(&SMS_PHONE, subject)], self.text_code(&phone))
            .await
    }

    async fn text_code(&self, phone: &Phone) -> Result<(), Denied> {
        let text = fresh_code();
        let code = self.keyring.phone_code_hash(phone, &text).ok_or(No::Off)?;
        let until = self.now() + Says::PhoneCode.worth_for();
        self.store.await_phone_code(&self.number(phone)?, &code, until).await?;
        // There is something new to guess, three times; how many there are is limited above.
        self.clear_tries(&OTP_PHONE, Subject::Phone(phone.as_str())).await?;
        Ok(self
            .write_to(Medium::Sms, phone.as_str(), "", Says::PhoneCode, &text)
            .await?)
    }

    /// How a telephone is kept.
    fn number(&self, phone: &Phone) -> Result<String, No> {
        self.keyring.phone_hashes(phone).into_iter().next().ok_or(No::Off)
    }

    /// Judges the code that was sent to a telephone. When it is right, the caller has the telephone.
    pub async fn verify_phone(
        &self,
        caller: &Member,
        phone: Option<&str>,
        code: Option<&str>,
    ) -> Result<Account, Denied> {
        let (phone, code) = (Phone::parse(must(phone, "phone")?)?, must(code, "otp")?.trim());
        six_digits(code)?;
        let hash = self.keyring.phone_code_hash(&phone, code).ok_or(No::Off)?;
        let number = self.number(&phone)?;
        let subject = Subject::Phone(phone.as_str());
        let left = match self.count_try(&OTP_PHONE, subject).await {
            Err(Denied::Refused(Refusal::Limited(_))) => return Err(No::CodeGone.into()),
            counted => counted?,
        };
        match self.store.try_phone_code(&number, &hash, self.now()).await? {
            Tried::Right => {
                self.clear_tries(&OTP_PHONE, subject).await?;
                let user = &caller.account.id;
                let numbers = self.keyring.phone_hashes(&phone);
                let proven = self.store.prove_phone(user, &numbers, PHONE_COINS, self.now()).await?;
                Ok(proven.ok_or(No::NoUser)?)
            }
            Tried::Wrong if left == 0 => {
                self.store.forget_phone_code(&number).await?;
                Err(No::CodeGone.into())
            }
            Tried::Wrong => Err(No::WrongCode.into()),
            Tried::Expired | Tried::Nobody => Err(No::CodeExpired.into()),
        }
    }
}
