"""Codes of RFC 6238, made without the library that checks them."""
import base64
import hashlib
import hmac
import struct
import time


def code(secret, steps=0):
    """What an authenticator app shows, so many STEPS of 30 seconds from now: good for 30 seconds at least."""
    count = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), count, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"
