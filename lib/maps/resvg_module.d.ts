declare const resvg: WebAssembly.Module;
export default resvg;
