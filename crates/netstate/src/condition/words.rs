//! Text as words, of which braces, commas and operators are their own.

use std::str::FromStr;

use super::{Answer, ConditionError};

/// The words of a text, from the first that was not read yet.
pub(super) struct Words {
    text: String,
    words: std::vec::IntoIter<String>,
}

impl Words {
    /// All of them.
    pub(super) fn of(text: &str) -> Self {
        let mut apart = text.to_owned();
        for sign in ["{", "}", ",", "!=", "==", "&"] {
            apart = apart.replace(sign, &format!(" {sign} "));
        }
        let words: Vec<String> = apart.split_whitespace().map(str::to_owned).collect();
        Self { text: text.to_owned(), words: words.into_iter() }
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<String> {
        self.words.next()
    }

    /// The next word, which must be there.
    ///
    /// # Errors
    /// [`ConditionError::End`].
    pub(super) fn need(&mut self) -> Result<String, ConditionError> {
        self.next().ok_or_else(|| ConditionError::End(self.text.clone()))
    }

    /// Steps over the next word if it is this one.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let is = self.words.as_slice().first().is_some_and(|next| next == word);
        if is {
            self.words.next();
        }
        is
    }

    /// The next word as a value; a name may stand in quotation marks.
    ///
    /// # Errors
    /// [`ConditionError`].
    pub(super) fn value<T: FromStr>(&mut self, wanted: &'static str) -> Result<T, ConditionError> {
        let value = self.need()?;
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&value);
        bare.parse().map_err(|_| ConditionError::Value { value: value.clone(), wanted })
    }

    /// An operator, where there is one, and the values after it.
    ///
    /// # Errors
    /// [`ConditionError`].
    pub(super) fn compared<T: FromStr>(
        &mut self,
        wanted: &'static str,
    ) -> Result<(Answer, Vec<T>), ConditionError> {
        let answer = match (self.skip("!="), self.skip("==")) {
            (true, _) => Answer::IsNot,
            (false, _) => Answer::Is,
        };
        if !self.skip("{") {
            return Ok((answer, vec![self.value(wanted)?]));
        }
        let mut values = vec![self.value(wanted)?];
        while !self.skip("}") {
            if !self.skip(",") {
                let value = self.need()?;
                return Err(ConditionError::Value { value, wanted: "comma or end of a set" });
            }
            values.push(self.value(wanted)?);
        }
        Ok((answer, values))
    }
}
