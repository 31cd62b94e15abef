passwd after=files muster
group after=files muster
