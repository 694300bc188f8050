//! Getting and setting the value that a path names.

use super::{Fault, FieldPath, Inner, alternative};
use crate::radio::db_to_linear;
use crate::scenario::schema::{Shape, short_for};
use crate::scenario::tree::{Data, Table, Value};

impl FieldPath {
    fn holder<'t>(&self, root: &'t Table) -> Option<&'t Table> {
        let value = root.get(self.table.name)?;
        let value = match (self.entry, &value.data) {
            (Some(index), Data::List(list)) => list.get(index)?,
            (Some(_), _) => return None,
            (None, _) => value,
        };
        match &value.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value that stands there, if one does.
    pub(in crate::scenario) fn get<'t>(&self, root: &'t Table) -> Option<&'t Value> {
        let value = self.holder(root)?.get(self.field.key)?;
        match (&self.inner, &value.data) {
            (None, _) => Some(value),
            (Some(Inner::Device(index)), Data::List(list)) => list.get(*index),
            (Some(Inner::Device(_)), _) => Some(value),
            (Some(Inner::Key(key)), Data::Table(table)) => table.get(key),
            (Some(Inner::Key(_)), _) => None,
        }
    }

    /// Puts `value` there, making tables and lists on the way; `devices` is the number of devices of the scenario.
    pub(in crate::scenario) fn set(&self, root: &mut Table, devices: usize, value: Value) -> Result<(), Fault> {
        let holder = self.holder_mut(root, &value)?;
        match &self.inner {
            None => {
                if let Some(other) = alternative(self) {
                    holder.remove(other);
                }
                holder.insert(self.field.key, value);
            }
            Some(Inner::Device(index)) => self.set_for_device(holder, *index, devices, value)?,
            Some(Inner::Key(key)) => self.set_in_choice(holder, key, value)?,
        }
        Ok(())
    }

    fn holder_mut<'t>(&self, root: &'t mut Table, value: &Value) -> Result<&'t mut Table, Fault> {
        if root.get(self.table.name).is_none() {
            let empty = Value { data: Data::Table(Table::default()), origin: value.origin.clone() };
            root.insert(self.table.name, empty);
        }
        let wrong = || {
            let message = format!("`{}` is not written as {} in the file", self.table.name, self.table.header());
            Fault::new(message, format!("begin it with a line {}", self.table.header()))
        };
        let holder = root.get_mut(self.table.name).ok_or_else(wrong)?;
        let holder = match (self.entry, &mut holder.data) {
            (Some(index), Data::List(list)) => &mut list.get_mut(index).ok_or_else(wrong)?.data,
            (None, data) => data,
            _ => return Err(wrong()),
        };
        match holder {
            Data::Table(table) => Ok(table),
            _ => Err(wrong()),
        }
    }

    fn set_for_device(&self, holder: &mut Table, index: usize, devices: usize, value: Value) -> Result<(), Fault> {
        let key = self.field.key;
        if let Some(other) = alternative(self).filter(|other| holder.get(other).is_some()) {
            let message = format!("`{key}` of one device cannot be set beside `{other}`");
            return Err(Fault::new(message, format!("set `{other}` instead, or `{key}` as a whole")));
        }
        let all = match holder.get(key) {
            Some(Value { data: Data::List(list), .. }) => list.clone(),
            Some(one) => vec![one.clone(); devices],
            None => {
                let data = match key {
                    "tx_power_w" => Data::Float(db_to_linear(18.0)),
                    "tx_power_dbw" => Data::Float(18.0),
                    _ => {
                        let message = format!("`{key}` of one device cannot be set while the others have none");
                        return Err(Fault::new(message, format!("give `{key}` for all devices under [policy]")));
                    }
                };
                vec![Value { data, origin: value.origin.clone() }; devices]
            }
        };
        let mut all = all;
        let length = all.len();
        let Some(place) = all.get_mut(index) else {
            let message = format!("`{key}` has {length} values for {devices} devices");
            return Err(Fault::new(message, "give one value per device, or a single one for all".into()));
        };
        *place = value.clone();
        let origin = holder.get(key).map_or(value.origin, |whole| whole.origin.clone());
        holder.insert(key, Value { data: Data::List(all), origin });
        Ok(())
    }

    fn set_in_choice(&self, holder: &mut Table, key: &str, value: Value) -> Result<(), Fault> {
        let Shape::Choice(variants) = self.field.shape else { unreachable!("only a choice has keys inside it") };
        let origin = value.origin.clone();
        let mut table = Table::default();
        match holder.get(self.field.key).map(|value| &value.data) {
            Some(Data::Table(written)) => table = written.clone(),
            Some(Data::Text(kind)) => {
                table.insert("kind", Value { data: Data::Text(kind.clone()), origin: origin.clone() });
            }
            Some(data) => {
                if let Some(variant) = short_for(variants, data) {
                    let kind = Data::Text(variant.kind.to_owned());
                    table.insert("kind", Value { data: kind, origin: origin.clone() });
                    table.insert(variant.keys[0], Value { data: data.clone(), origin: origin.clone() });
                }
            }
            None => {
                let kind = Data::Text(variants[0].kind.to_owned());
                table.insert("kind", Value { data: kind, origin: origin.clone() });
            }
        }
        table.insert(key, value);
        let origin = holder.get(self.field.key).map_or(origin, |whole| whole.origin.clone());
        holder.insert(self.field.key, Value { data: Data::Table(table), origin });
        Ok(())
    }
}
