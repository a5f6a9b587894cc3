from tlswire.schema.certificates import *  # temporary
from tlswire.schema.certificates import certificate_subject
from tlswire.schema.extensions import *
from tlswire.schema.handshake import *
from tlswire.schema.hello import *
from tlswire.schema.key_exchange import *
from tlswire.schema.names import *
from tlswire.schema.records import *
