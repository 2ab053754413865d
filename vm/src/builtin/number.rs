//! Methods of `Int` and `Float`.

use super::unknown;
use crate::operation::{float_of, int_of, overflow};
use crate::trap::Fault;
use crate::value::Value;

pub(super) fn int(method: &str, arguments: &[Value]) -> Result<Value, Fault> {
    if method == "to_float" {
        return float_of(&arguments[0]).map(Value::Float);
    }
    let n = int_of(&arguments[0])?;
    let other = |index: usize| int_of(&arguments[index]);
    Ok(Value::Int(match method {
        "abs" => n.checked_abs().ok_or_else(|| overflow(&format!("({n}).abs()")))?,
        "min" => n.min(other(1)?),
        "max" => n.max(other(1)?),
        "clamp" => {
            let (low, high) = (other(1)?, other(2)?);
            if low > high {
                return Err(Fault::new(format!("nothing lies between {low} and {high}")));
            }
            n.clamp(low, high)
        }
        "pow" => {
            let exponent = other(1)?;
            let whole = u32::try_from(exponent).map_err(|_| {
                Fault::new(format!("{n} to the power of {exponent} is no Int"))
                    .with_help("the exponent must be from 0 to 4294967295")
            })?;
            n.checked_pow(whole).ok_or_else(|| overflow(&format!("({n}).pow({exponent})")))?
        }
        other => return Err(unknown(&format!("int.{other}"))),
    }))
}

pub(super) fn float(method: &str, arguments: &[Value]) -> Result<Value, Fault> {
    let x = float_of(&arguments[0])?;
    let other = |index: usize| float_of(&arguments[index]);
    Ok(match method {
        "abs" => Value::Float(x.abs()),
        "min" => Value::Float(x.min(other(1)?)),
        "max" => Value::Float(x.max(other(1)?)),
        "clamp" => {
            let (low, high) = (other(1)?, other(2)?);
            if low.is_nan() || high.is_nan() || low > high {
                return Err(Fault::new(format!("nothing lies between {low} and {high}")));
            }
            Value::Float(x.clamp(low, high))
        }
        "sqrt" => Value::Float(x.sqrt()),
        "floor" => whole(x.floor())?,
        "ceil" => whole(x.ceil())?,
        "round" => whole(x.round())?,
        "to_int" => whole(x.trunc())?,
        other => return Err(unknown(&format!("float.{other}"))),
    })
}

/// A whole `Float` as an `Int`.
fn whole(x: f64) -> Result<Value, Fault> {
    // 2^63 is the first float beyond the greatest Int; -2^63 is the least Int.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if (-BOUND..BOUND).contains(&x) { Ok(Value::Int(x as i64)) } else { Err(overflow(&x.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_int_is_a_fault() {
        for x in [f64::NAN, f64::INFINITY, 9.3e18, -9.3e18] {
            assert!(float("round", &[Value::Float(x)]).is_err(), "{x}");
        }
        assert!(matches!(float("round", &[Value::Float(-2.5)]), Ok(Value::Int(-3))));
        assert!(int("pow", &[Value::Int(2), Value::Int(63)]).is_err());
        assert!(int("abs", &[Value::Int(i64::MIN)]).is_err());
    }
}
