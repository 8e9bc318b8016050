"""ISO 4217: which codes name money in use, and how many decimals its minor unit has."""

_NO_DECIMALS_TEXT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS_TEXT = "BHD IQD JOD KWD LYD OMR TND"
_TWO_DECIMALS_TEXT = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA
MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN
QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""

_NO_DECIMALS = frozenset(_NO_DECIMALS_TEXT.split())
_THREE_DECIMALS = frozenset(_THREE_DECIMALS_TEXT.split())
_TWO_DECIMALS = frozenset(_TWO_DECIMALS_TEXT.split())

CODES = _TWO_DECIMALS | _NO_DECIMALS | _THREE_DECIMALS


def minor_digits(currency: str) -> int:
    """How many decimals one unit of the currency has.

    Rule: R-01.
    """
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def money_text(minor: int, currency: str) -> str:
    """An amount as people write it, exact: 123456 CNY is ``CNY 1,234.56``.

    Args:
        minor: the amount in minor units, not negative.
        currency: its code.

    Rule: R-01.
    """
    digits = minor_digits(currency)
    units, rest = divmod(minor, 10**digits)
    return f"{currency} {units:,}" + (f".{rest:0{digits}}" if digits else "")
