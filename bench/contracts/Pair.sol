// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

interface IAsset {
    function balanceOf(address owner) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
}

interface IBorrower {
    function uniswapV2Call(address sender, uint256 amount0, uint256 amount1, bytes calldata data) external;
}

/// A constant-product market of two tokens with the interface and the rules of Uniswap v2: a fee of
/// 0.3 %, reserves of 112 bits in one slot with the time, price sums for oracles, flash swaps, and
/// a share token for those who lend to it.
contract Pair {
    string public constant name = "Pair Share";
    string public constant symbol = "PAIR";
    uint8 public constant decimals = 18;
    uint256 public constant MINIMUM_LIQUIDITY = 1000;

    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    address public immutable factory;
    address public token0;
    address public token1;

    uint112 private reserve0;
    uint112 private reserve1;
    uint32 private lastTime;
    uint256 public price0CumulativeLast;
    uint256 public price1CumulativeLast;
    uint256 private isOpen = 1;

    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Mint(address indexed sender, uint256 amount0, uint256 amount1);
    event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to);
    event Swap(
        address indexed sender,
        uint256 amount0In,
        uint256 amount1In,
        uint256 amount0Out,
        uint256 amount1Out,
        address indexed to
    );
    event Sync(uint112 reserve0, uint112 reserve1);

    constructor() {
        factory = msg.sender;
    }

    modifier alone() {
        require(isOpen == 1, "LOCKED");
        isOpen = 0;
        _;
        isOpen = 1;
    }

    function initialize(address first, address second) external {
        require(msg.sender == factory, "FORBIDDEN");
        token0 = first;
        token1 = second;
    }

    function getReserves() public view returns (uint112, uint112, uint32) {
        return (reserve0, reserve1, lastTime);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        moveShares(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (allowance[from][msg.sender] != type(uint256).max) {
            allowance[from][msg.sender] -= value;
        }
        moveShares(from, to, value);
        return true;
    }

    /// Gives shares for the tokens that came in since the last look at the balances.
    function mint(address to) external alone returns (uint256 shares) {
        (uint112 held0, uint112 held1, ) = getReserves();
        uint256 balance0 = IAsset(token0).balanceOf(address(this));
        uint256 balance1 = IAsset(token1).balanceOf(address(this));
        uint256 amount0 = balance0 - held0;
        uint256 amount1 = balance1 - held1;
        uint256 supply = totalSupply;
        if (supply == 0) {
            shares = root(amount0 * amount1) - MINIMUM_LIQUIDITY;
            issue(address(0), MINIMUM_LIQUIDITY);
        } else {
            uint256 shares0 = (amount0 * supply) / held0;
            uint256 shares1 = (amount1 * supply) / held1;
            shares = shares0 < shares1 ? shares0 : shares1;
        }
        require(shares > 0, "INSUFFICIENT_LIQUIDITY_MINTED");
        issue(to, shares);
        update(balance0, balance1, held0, held1);
        emit Mint(msg.sender, amount0, amount1);
    }

    /// Gives the tokens behind the shares that came in.
    function burn(address to) external alone returns (uint256 amount0, uint256 amount1) {
        (uint112 held0, uint112 held1, ) = getReserves();
        (address asset0, address asset1) = (token0, token1);
        uint256 shares = balanceOf[address(this)];
        uint256 supply = totalSupply;
        amount0 = (shares * IAsset(asset0).balanceOf(address(this))) / supply;
        amount1 = (shares * IAsset(asset1).balanceOf(address(this))) / supply;
        require(amount0 > 0 && amount1 > 0, "INSUFFICIENT_LIQUIDITY_BURNED");
        balanceOf[address(this)] = 0;
        totalSupply = supply - shares;
        emit Transfer(address(this), address(0), shares);
        pay(asset0, to, amount0);
        pay(asset1, to, amount1);
        update(IAsset(asset0).balanceOf(address(this)), IAsset(asset1).balanceOf(address(this)), held0, held1);
        emit Burn(msg.sender, amount0, amount1, to);
    }

    /// Pays out first, lets the receiver act if it brought data, then demands that the product of
    /// the reserves, less the fee on what came in, has not fallen.
    function swap(uint256 out0, uint256 out1, address to, bytes calldata data) external alone {
        require(out0 > 0 || out1 > 0, "INSUFFICIENT_OUTPUT_AMOUNT");
        (uint256 in0, uint256 in1) = exchange(out0, out1, to, data);
        emit Swap(msg.sender, in0, in1, out0, out1, to);
    }

    function exchange(uint256 out0, uint256 out1, address to, bytes calldata data)
        private
        returns (uint256 in0, uint256 in1)
    {
        (uint112 held0, uint112 held1, ) = getReserves();
        require(out0 < held0 && out1 < held1, "INSUFFICIENT_LIQUIDITY");
        (uint256 balance0, uint256 balance1) = payOut(out0, out1, to, data);
        in0 = balance0 > held0 - out0 ? balance0 - (held0 - out0) : 0;
        in1 = balance1 > held1 - out1 ? balance1 - (held1 - out1) : 0;
        require(in0 > 0 || in1 > 0, "INSUFFICIENT_INPUT_AMOUNT");
        uint256 after0 = balance0 * 1000 - in0 * 3;
        uint256 after1 = balance1 * 1000 - in1 * 3;
        require(after0 * after1 >= uint256(held0) * held1 * 1000 ** 2, "K");
        update(balance0, balance1, held0, held1);
    }

    function payOut(uint256 out0, uint256 out1, address to, bytes calldata data)
        private
        returns (uint256 balance0, uint256 balance1)
    {
        (address asset0, address asset1) = (token0, token1);
        require(to != asset0 && to != asset1, "INVALID_TO");
        if (out0 > 0) pay(asset0, to, out0);
        if (out1 > 0) pay(asset1, to, out1);
        if (data.length > 0) IBorrower(to).uniswapV2Call(msg.sender, out0, out1, data);
        balance0 = IAsset(asset0).balanceOf(address(this));
        balance1 = IAsset(asset1).balanceOf(address(this));
    }

    function update(uint256 balance0, uint256 balance1, uint112 held0, uint112 held1) private {
        require(balance0 <= type(uint112).max && balance1 <= type(uint112).max, "OVERFLOW");
        uint32 time = uint32(block.timestamp);
        unchecked {
            uint32 elapsed = time - lastTime;
            if (elapsed > 0 && held0 != 0 && held1 != 0) {
                price0CumulativeLast += uint256((uint224(held1) << 112) / held0) * elapsed;
                price1CumulativeLast += uint256((uint224(held0) << 112) / held1) * elapsed;
            }
        }
        reserve0 = uint112(balance0);
        reserve1 = uint112(balance1);
        lastTime = time;
        emit Sync(uint112(balance0), uint112(balance1));
    }

    function pay(address asset, address to, uint256 value) private {
        (bool done, bytes memory answer) = asset.call(abi.encodeCall(IAsset.transfer, (to, value)));
        require(done && (answer.length == 0 || abi.decode(answer, (bool))), "TRANSFER_FAILED");
    }

    function issue(address to, uint256 shares) private {
        totalSupply += shares;
        balanceOf[to] += shares;
        emit Transfer(address(0), to, shares);
    }

    function moveShares(address from, address to, uint256 value) private {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }

    /// The integer square root, by Newton's method.
    function root(uint256 x) private pure returns (uint256 y) {
        if (x < 4) return x == 0 ? 0 : 1;
        y = x;
        for (uint256 next = x / 2 + 1; next < y; next = (x / next + next) / 2) y = next;
    }
}

/// Makes pairs at addresses that follow from their tokens.
contract PairMaker {
    mapping(address => mapping(address => address)) public getPair;

    event PairCreated(address indexed token0, address indexed token1, address pair);

    function createPair(address one, address other) external returns (address pair) {
        (address first, address second) = one < other ? (one, other) : (other, one);
        require(first != address(0) && first != second, "BAD_TOKENS");
        require(getPair[first][second] == address(0), "PAIR_EXISTS");
        Pair made = new Pair{salt: keccak256(abi.encodePacked(first, second))}();
        made.initialize(first, second);
        pair = address(made);
        getPair[first][second] = pair;
        getPair[second][first] = pair;
        emit PairCreated(first, second, pair);
    }
}

/// Trades back and forth, as a router does: prices from the reserves, pay in, swap.
contract Trader {
    function trade(Pair pair, uint256 amount, uint256 count) external returns (uint256 last) {
        (address asset0, address asset1) = (pair.token0(), pair.token1());
        last = amount;
        for (uint256 i = 0; i < count; ++i) {
            bool isForth = i % 2 == 0;
            (uint112 held0, uint112 held1, ) = pair.getReserves();
            uint256 out = isForth ? price(last, held0, held1) : price(last, held1, held0);
            require(IAsset(isForth ? asset0 : asset1).transfer(address(pair), last), "UNPAID");
            pair.swap(isForth ? 0 : out, isForth ? out : 0, address(this), "");
            last = out;
        }
    }

    function price(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) private pure returns (uint256) {
        uint256 paid = amountIn * 997;
        return (paid * reserveOut) / (reserveIn * 1000 + paid);
    }
}
