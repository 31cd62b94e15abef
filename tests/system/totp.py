"""Codes of RFC 6238, made without the library that checks them."""
import base64
import hashlib
import hmac
import struct
import time


def code(secret, steps=0):
    """What an authenticator app shows, so many STEPS of 30 seconds from now."""
    count = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), count, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def wait_for_step(seconds=12):
    """Until the step goes on for so long: what is about to be tried would meet the next one."""
    left = 30 - time.time() % 30
    if left < seconds:
        time.sleep(left + 0.1)
