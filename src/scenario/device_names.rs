//! What devices are called, where one table stands for many of them.
//!
//! ```text
//!  [[device]]                  phone-001
//!  name = "phone"      ──►     phone-002        the number has as many digits as the count
//!  count = 120                 …
//!                              phone-120
//! ```
//!
//! A device is found by its name from the tables alone, in constant time: no list of 10⁶ names is made.

use std::collections::HashMap;

use super::settings::DeviceSettings;

/// The name of the `member`-th device, counted from 0, of a table called `name` that makes `count` of them.
pub(super) fn member_name(name: &str, count: u32, member: u32) -> String {
    if count == 1 {
        return name.to_owned();
    }
    let digits = digits(count);
    let mut text = String::with_capacity(name.len() + 1 + digits);
    text.push_str(name);
    text.push('-');
    let mut place = 10_u32.pow(digits as u32 - 1);
    while place > 0 {
        text.push(char::from_digit((member + 1) / place % 10, 10).expect("a remainder of 10 is a digit"));
        place /= 10;
    }
    text
}

fn digits(count: u32) -> usize {
    count.ilog10() as usize + 1
}

/// The table's name and the number, counted from 0, in what may be a name of a table of several: `phone-007`.
pub(super) fn split_member_name(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('-').filter(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The member, counted from 0, that these digits name among `count`; `None` where they name none.
pub(super) fn member_of(number: &str, count: u32) -> Option<u32> {
    let member = number.parse::<u32>().ok().filter(|number| (1..=count).contains(number))? - 1;
    (count > 1 && number.len() == digits(count)).then_some(member)
}

impl DeviceSettings {
    /// The name of the [[device]] table that the device is of: what paths such as `policy.tk[NAME]` call it.
    pub fn table_name(&self) -> &str {
        match self.count {
            1 => &self.name,
            count => &self.name[..self.name.len() - 1 - digits(count)],
        }
    }
}

/// Finds devices by name.
pub(super) struct DeviceNames<'a> {
    /// By the table's name: the index of its first device, and how many it has.
    tables: HashMap<&'a str, (u32, u32)>,
    counts: Vec<u32>,
}

impl<'a> DeviceNames<'a> {
    pub(super) fn of(devices: &'a [DeviceSettings]) -> Self {
        let (mut tables, mut counts, mut index) = (HashMap::new(), Vec::new(), 0);
        while let Some(first) = devices.get(index) {
            tables.insert(first.table_name(), (index as u32, first.count));
            counts.push(first.count);
            index += first.count as usize;
        }
        Self { tables, counts }
    }

    /// The index of the device with this name.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        if let Some((first, 1)) = self.tables.get(name) {
            return Some(*first);
        }
        let (table, number) = split_member_name(name)?;
        let (first, count) = self.tables.get(table)?;
        Some(first + member_of(number, *count)?)
    }

    /// How many devices a table makes that is called so.
    pub(super) fn count_of(&self, table: &str) -> Option<u32> {
        self.tables.get(table).map(|(_, count)| *count)
    }

    /// How many devices each table makes; with the tables' names, which a study never changes, this says all names.
    pub(super) fn counts(&self) -> &[u32] {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::{member_name, member_of, split_member_name};

    #[test]
    fn numbers_have_as_many_digits_as_the_count() {
        assert_eq!(member_name("phone", 1, 0), "phone");
        assert_eq!(member_name("phone", 9, 8), "phone-9");
        assert_eq!(member_name("phone", 10, 8), "phone-09");
        assert_eq!(member_name("phone", 100_000, 0), "phone-000001");
        assert_eq!(member_name("phone", 1_000_000, 999_999), "phone-1000000");
    }

    #[test]
    fn a_number_with_other_digits_names_nobody() {
        assert_eq!(split_member_name("my-phone-09"), Some(("my-phone", "09")));
        assert_eq!(split_member_name("phone"), None);
        assert_eq!(split_member_name("phone-+9"), None);
        assert_eq!(member_of("09", 10), Some(8));
        for number in ["9", "009", "00", "11"] {
            assert_eq!(member_of(number, 10), None, "{number}");
        }
    }
}
