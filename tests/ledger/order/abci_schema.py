"""The public schema of ABCI as data for Google's protobuf: every field of every message.

Each line is a message, and each field has its name, number and type; `*` is for several. Source:
CometBFT 1.0.1, proto/cometbft/abci/v1/types.proto, and what it imports.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "cometbft.abci.v1"

MESSAGES = """
Timestamp seconds:1:int64 nanos:2:int32
Duration seconds:1:int64 nanos:2:int32
Int64Value value:1:int64
BlockParams max_bytes:1:int64 max_gas:2:int64
EvidenceParams max_age_num_blocks:1:int64 max_age_duration:2:Duration max_bytes:3:int64
ValidatorParams pub_key_types:1:*string
VersionParams app:1:uint64
ABCIParams vote_extensions_enable_height:1:int64
SynchronyParams precision:1:Duration message_delay:2:Duration
FeatureParams vote_extensions_enable_height:1:Int64Value pbts_enable_height:2:Int64Value
ConsensusParams block:1:BlockParams evidence:2:EvidenceParams validator:3:ValidatorParams version:4:VersionParams abci:5:ABCIParams synchrony:6:SynchronyParams feature:7:FeatureParams
ProofOp type:1:string key:2:bytes data:3:bytes
ProofOps ops:1:*ProofOp
Validator address:1:bytes power:3:int64
ValidatorUpdate power:2:int64 pub_key_bytes:3:bytes pub_key_type:4:string
VoteInfo validator:1:Validator block_id_flag:3:int32
ExtendedVoteInfo validator:1:Validator vote_extension:3:bytes extension_signature:4:bytes block_id_flag:5:int32
CommitInfo round:1:int32 votes:2:*VoteInfo
ExtendedCommitInfo round:1:int32 votes:2:*ExtendedVoteInfo
Misbehavior type:1:int32 validator:2:Validator height:3:int64 time:4:Timestamp total_voting_power:5:int64
EventAttribute key:1:string value:2:string index:3:bool
Event type:1:string attributes:2:*EventAttribute
Snapshot height:1:uint64 format:2:uint32 chunks:3:uint32 hash:4:bytes metadata:5:bytes
ExecTxResult code:1:uint32 data:2:bytes log:3:string info:4:string gas_wanted:5:int64 gas_used:6:int64 events:7:*Event codespace:8:string
EchoRequest message:1:string
FlushRequest
InfoRequest version:1:string block_version:2:uint64 p2p_version:3:uint64 abci_version:4:string
InitChainRequest time:1:Timestamp chain_id:2:string consensus_params:3:ConsensusParams validators:4:*ValidatorUpdate app_state_bytes:5:bytes initial_height:6:int64
QueryRequest data:1:bytes path:2:string height:3:int64 prove:4:bool
CheckTxRequest tx:1:bytes type:3:int32
CommitRequest
ListSnapshotsRequest
OfferSnapshotRequest snapshot:1:Snapshot app_hash:2:bytes
LoadSnapshotChunkRequest height:1:uint64 format:2:uint32 chunk:3:uint32
ApplySnapshotChunkRequest index:1:uint32 chunk:2:bytes sender:3:string
PrepareProposalRequest max_tx_bytes:1:int64 txs:2:*bytes local_last_commit:3:ExtendedCommitInfo misbehavior:4:*Misbehavior height:5:int64 time:6:Timestamp next_validators_hash:7:bytes proposer_address:8:bytes
ProcessProposalRequest txs:1:*bytes proposed_last_commit:2:CommitInfo misbehavior:3:*Misbehavior hash:4:bytes height:5:int64 time:6:Timestamp next_validators_hash:7:bytes proposer_address:8:bytes
ExtendVoteRequest hash:1:bytes height:2:int64 time:3:Timestamp txs:4:*bytes proposed_last_commit:5:CommitInfo misbehavior:6:*Misbehavior next_validators_hash:7:bytes proposer_address:8:bytes
VerifyVoteExtensionRequest hash:1:bytes validator_address:2:bytes height:3:int64 vote_extension:4:bytes
FinalizeBlockRequest txs:1:*bytes decided_last_commit:2:CommitInfo misbehavior:3:*Misbehavior hash:4:bytes height:5:int64 time:6:Timestamp next_validators_hash:7:bytes proposer_address:8:bytes syncing_to_height:9:int64
ExceptionResponse error:1:string
EchoResponse message:1:string
FlushResponse
InfoResponse data:1:string version:2:string app_version:3:uint64 last_block_height:4:int64 last_block_app_hash:5:bytes
InitChainResponse consensus_params:1:ConsensusParams validators:2:*ValidatorUpdate app_hash:3:bytes
QueryResponse code:1:uint32 log:3:string info:4:string index:5:int64 key:6:bytes value:7:bytes proof_ops:8:ProofOps height:9:int64 codespace:10:string
CheckTxResponse code:1:uint32 data:2:bytes log:3:string info:4:string gas_wanted:5:int64 gas_used:6:int64 events:7:*Event codespace:8:string
CommitResponse retain_height:3:int64
ListSnapshotsResponse snapshots:1:*Snapshot
OfferSnapshotResponse result:1:int32
LoadSnapshotChunkResponse chunk:1:bytes
ApplySnapshotChunkResponse result:1:int32 refetch_chunks:2:*uint32 reject_senders:3:*string
PrepareProposalResponse txs:1:*bytes
ProcessProposalResponse status:1:int32
ExtendVoteResponse vote_extension:1:bytes
VerifyVoteExtensionResponse status:1:int32
FinalizeBlockResponse events:1:*Event tx_results:2:*ExecTxResult validator_updates:3:*ValidatorUpdate consensus_param_updates:4:ConsensusParams app_hash:5:bytes
Request echo:1:EchoRequest flush:2:FlushRequest info:3:InfoRequest init_chain:5:InitChainRequest query:6:QueryRequest check_tx:8:CheckTxRequest commit:11:CommitRequest list_snapshots:12:ListSnapshotsRequest offer_snapshot:13:OfferSnapshotRequest load_snapshot_chunk:14:LoadSnapshotChunkRequest apply_snapshot_chunk:15:ApplySnapshotChunkRequest prepare_proposal:16:PrepareProposalRequest process_proposal:17:ProcessProposalRequest extend_vote:18:ExtendVoteRequest verify_vote_extension:19:VerifyVoteExtensionRequest finalize_block:20:FinalizeBlockRequest
Response exception:1:ExceptionResponse echo:2:EchoResponse flush:3:FlushResponse info:4:InfoResponse init_chain:6:InitChainResponse query:7:QueryResponse check_tx:9:CheckTxResponse commit:12:CommitResponse list_snapshots:13:ListSnapshotsResponse offer_snapshot:14:OfferSnapshotResponse load_snapshot_chunk:15:LoadSnapshotChunkResponse apply_snapshot_chunk:16:ApplySnapshotChunkResponse prepare_proposal:17:PrepareProposalResponse process_proposal:18:ProcessProposalResponse extend_vote:19:ExtendVoteResponse verify_vote_extension:20:VerifyVoteExtensionResponse finalize_block:21:FinalizeBlockResponse
"""  # noqa: E501 - a message a line

ONE_OF = ("Request", "Response")
"""Messages of which one field is there."""

_Field = descriptor_pb2.FieldDescriptorProto


def classes() -> dict[str, type]:
    """Google's class of each message. Enumerations are integers, as they are on the wire."""
    file = descriptor_pb2.FileDescriptorProto(
        name="cometbft/abci/v1/types.proto", package=PACKAGE, syntax="proto3"
    )
    for line in MESSAGES.strip().splitlines():
        name, *fields = line.split()
        message = file.message_type.add(name=name)
        if name in ONE_OF:
            message.oneof_decl.add(name="value")
        for text in fields:
            _add(message, *text.split(":"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = message_factory.GetMessageClassesForFiles([file.name], pool)
    return {name.rpartition(".")[2]: kind for name, kind in found.items()}


def _add(message, name: str, number: str, kind: str) -> None:
    is_several, kind = kind.startswith("*"), kind.removeprefix("*")
    field = message.field.add(
        name=name,
        number=int(number),
        label=_Field.LABEL_REPEATED if is_several else _Field.LABEL_OPTIONAL,
    )
    if kind[0].isupper():
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
    if message.name in ONE_OF:
        field.oneof_index = 0
